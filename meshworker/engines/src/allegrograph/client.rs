//! Conversations with a server over its HTTP API.
//!
//! Passwords travel in the queries of two requests: no query stands in any error, and nothing
//! here is printed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use meshworker_core::{Place, Told, Unanswered};

use crate::{Access, SecretFileError, quoted, talk as http};

/// Talks to servers.
pub struct Client {
    access: Access,
    repository: String,
}

/// A conversation with one server. Dropped, it ends.
pub struct Talk<'a> {
    client: &'a Client,
    http: http::Talk,
}

/// Name and password of the account that servers and this worker use.
pub struct Login {
    pub user: String,
    pub password: String,
}

impl Login {
    /// The same text, without the password: a server may say what it was asked.
    pub fn kept_out_of(&self, text: String) -> String {
        let plain = self.password.as_str();
        if plain.is_empty() {
            return text;
        }
        let quoted = quoted(plain);
        let pair = STANDARD.encode(format!("{}:{plain}", self.user));
        let json = serde_json::Value::from(plain).to_string();
        let json = json.trim_matches('"').to_owned();
        let mut forms = [
            quoted.replace("%20", "+"),
            lower_hex(&quoted),
            json.replace('/', "\\/"),
            json,
            quoted,
            STANDARD.encode(plain),
            pair,
            plain.to_owned(),
        ];
        // The longest first: what is left of one that holds another would tell its rest.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms
            .iter()
            .fold(text, |text, form| text.replace(form.as_str(), "***"))
    }
}

/// What a server replied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Cut to its longest, for programs: not yet fit for people.
    pub body: String,
}

impl Client {
    pub fn new(access: Access) -> Client {
        let repository = access.options.get(super::REPOSITORY);
        Client {
            repository: repository.cloned().unwrap_or_default(),
            access,
        }
    }

    /// How the servers are reached.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The repository's name.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The path of this service of the repository.
    pub fn path(&self, service: &str) -> String {
        format!("/repositories/{}{service}", quoted(&self.repository))
    }

    /// The account, if there is one.
    pub fn login(&self) -> Result<Option<Login>, SecretFileError> {
        let Some(file) = &self.access.password else {
            return Ok(None);
        };
        Ok(Some(Login {
            user: self.access.user.clone().unwrap_or_default(),
            password: file.read()?,
        }))
    }

    /// A conversation with whoever is there, of at most so long.
    ///
    /// # Errors
    ///
    /// Nobody listens there, or it is not encrypted as it should be.
    pub async fn talk(&self, place: Place, longest: Duration) -> Result<Talk<'_>, Unanswered> {
        let http = http::Talk::with(&self.access, place, longest).await?;
        Ok(Talk { client: self, http })
    }
}

impl Talk<'_> {
    /// What is to be read at this path.
    ///
    /// # Errors
    ///
    /// Nothing usable came.
    pub async fn get(&mut self, path: &str) -> Result<Reply, Unanswered> {
        self.send(Method::GET, path).await
    }

    /// One request, and what was replied, whatever that is.
    ///
    /// # Errors
    ///
    /// Nothing usable came: what became of the request is unknown.
    pub async fn send(&mut self, method: Method, path: &str) -> Result<Reply, Unanswered> {
        let request = self.http.request(method, path);
        let mut request = request.header(ACCEPT, "application/json, text/plain;q=0.5");
        let login = self.client.login();
        let login = login.map_err(|why| Unanswered::Denied(why.to_string()))?;
        if let Some(login) = &login {
            let pair = STANDARD.encode(format!("{}:{}", login.user, login.password));
            let value = HeaderValue::try_from(format!("Basic {pair}"));
            let unfit = |_| Unanswered::Denied("the password does not fit into a header".into());
            let mut value = value.map_err(unfit)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let (status, body) = self.http.send(request, Bytes::new()).await?;
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Reply {
            status: status.as_u16(),
            body: match &login {
                Some(login) => login.kept_out_of(body),
                None => body,
            },
        })
    }
}

impl Reply {
    /// Whether it was done: any success is one, with a body or without.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// In words, for people.
    pub fn words(&self) -> String {
        let body = Told::<200>::from(self.body.trim());
        match body.is_empty() {
            true => format!("HTTP status {}", self.status),
            false => format!("HTTP status {}: {body}", self.status),
        }
    }

    /// Why there is no view, where this is no success.
    pub fn unanswered(&self) -> Unanswered {
        match self.status {
            401 | 403 => Unanswered::Denied(self.words()),
            408 | 409 | 500.. => Unanswered::Starting(self.words()),
            _ => Unanswered::Garbage(self.words()),
        }
    }
}

/// These parameters as a query, with its question mark.
pub fn query(parameters: &[(&str, &str)]) -> String {
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", quoted(value)));
    format!("?{}", pairs.collect::<Vec<String>>().join("&"))
}

/// The same, its escapes in small letters.
fn lower_hex(quoted: &str) -> String {
    let mut left = 0;
    let small = quoted.chars().map(|c| {
        let escaped = left > 0;
        left = if c == '%' { 2 } else { left.max(1) - 1 };
        if escaped { c.to_ascii_lowercase() } else { c }
    });
    small.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_repeats_a_password_tells_it_nobody() {
        let login = Login {
            user: "test".into(),
            password: "a&b=c".into(),
        };
        let said = "cannot GET /x?password=a%26b%3Dc as test:a&b=c".to_owned();
        assert_eq!(
            login.kept_out_of(said),
            "cannot GET /x?password=*** as test:***"
        );
        for said in ["a%26b%3dc", "YSZiPWM=", "dGVzdDphJmI9Yw==", r"a&b=c"] {
            assert_eq!(login.kept_out_of(said.to_owned()), "***");
        }
        let login = Login {
            password: "a/\"b c".into(),
            ..login
        };
        for said in [r#"a/\"b c"#, r#"a\/\"b c"#, "a%2F%22b+c", "a%2f%22b%20c"] {
            assert_eq!(login.kept_out_of(said.to_owned()), "***");
        }
    }

    #[test]
    fn a_password_is_one_value_whatever_stands_in_it() {
        let query = query(&[("user", "test"), ("password", "a&b=c/ü #?%")]);
        assert_eq!(query, "?user=test&password=a%26b%3Dc%2F%C3%BC%20%23%3F%25");
    }
}
