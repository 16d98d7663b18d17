//! Requests. Each is preceded by the questions that say whether it is still right.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use meshworker_core::{Place, Unanswered, View};
use tokio::time::timeout;

use super::client::{Client, Reply, query};
use super::detail::{Detail, Repository};
use super::growing::Growing;
use super::look::look;
use super::request::{Act, AllegrographRequest};
use crate::Failure;

/// As long as a copy may take: days are no copy any more, but a connection that was forgotten.
const COPY: Duration = Duration::from_secs(24 * 60 * 60);

/// As long as any other request may take.
const USUAL: Duration = Duration::from_secs(60);

/// Makes one request.
///
/// # Errors
///
/// It was refused, is not right any more, or got no answer in time.
pub async fn perform(
    client: &Arc<Client>,
    growing: &Growing,
    to: Place,
    request: &AllegrographRequest,
) -> Result<String, Failure> {
    let work = Work {
        client,
        growing,
        to,
    };
    match &request.act {
        Act::Create { instance, host } => work.create(instance, host).await,
        Act::Grow {
            to: other,
            instance,
            host,
        } => work.grow(*other, instance, host).await,
        Act::Remove(instance) => work.remove(instance).await,
        Act::Delete {
            controlling,
            instance,
        } => work.delete(*controlling, instance).await,
        Act::Control(instance) => work.control(instance).await,
    }
}

struct Work<'a> {
    client: &'a Arc<Client>,
    growing: &'a Growing,
    to: Place,
}

impl Work<'_> {
    async fn create(&self, instance: &str, host: &str) -> Result<String, Failure> {
        match self.view(self.to).await?.detail.repository {
            Repository::None | Repository::Alone(_) => {}
            Repository::Member => return so_already(),
            other => return Err(unfit(&other)),
        }
        // Never with what replaces a repository that is there.
        let path = self.with_login("/repl/createCluster", self.to, instance, host, &[])?;
        done(&self.put(&path).await?)
    }

    async fn grow(&self, to: Place, instance: &str, host: &str) -> Result<String, Failure> {
        let detail = self.controlling(self.to).await?;
        let usual = self.client.access().service_port;
        let listed = |at: &Place| {
            let mut all = detail.instances.iter();
            all.any(|one| one.name == instance || one.place(usual) == Some(*at))
        };
        if listed(&to) {
            return so_already();
        }
        match self.view(to).await?.detail.repository {
            Repository::None => {}
            other => return Err(unfit(&other)),
        }
        let name = self.client.repository();
        let path = self.with_login("/repl/growCluster", to, instance, host, &[("name", name)])?;
        self.growing.begin(to, instance);
        let (client, growing, at) = (Arc::clone(self.client), self.growing.clone(), self.to);
        // It goes on when nobody waits for it any more: whether a server goes on that is not
        // waited for, nobody knows.
        let asked = tokio::spawn(async move {
            let reply = put(&client, at, &path, COPY).await;
            growing.end(
                to,
                match &reply {
                    Ok(reply) if reply.is_success() => Ok(()),
                    Ok(reply) => Err(Some(reply.words())),
                    Err(_) => Err(None),
                },
            );
            reply
        });
        self.growing.asked_by(to, asked.abort_handle());
        match timeout(self.client.access().deadline, asked).await {
            Err(_) => Ok("it is being copied".into()),
            Ok(Ok(reply)) => done(&reply.map_err(unanswered)?),
            Ok(Err(why)) => Err(Failure::Unanswered(why.to_string())),
        }
    }

    async fn remove(&self, instance: &str) -> Result<String, Failure> {
        let detail = self.controlling(self.to).await?;
        let Some(listed) = detail.instance(instance) else {
            return so_already();
        };
        if detail.controlling() == Some(listed) {
            return Err(Failure::Refused(format!("{instance} controls the others")));
        }
        let at = listed.place(self.client.access().service_port);
        let query = query(&[("instanceName", instance)]);
        let path = self.client.path("/repl/remove");
        let reply = self.put(&format!("{path}{query}")).await?;
        if let Some(at) = at.filter(|_| reply.is_success()) {
            self.growing.took_out(instance, at);
        }
        done(&reply)
    }

    async fn delete(&self, controlling: Place, instance: &str) -> Result<String, Failure> {
        let detail = self.controlling(controlling).await?;
        let usual = self.client.access().service_port;
        let view = self.view(self.to).await?;
        let is_here = |name: &str, at: Option<Place>| {
            [&*view.node, instance].contains(&name) || at == Some(self.to)
        };
        let mut all = detail.instances.iter();
        if all.any(|one| is_here(&one.name, one.place(usual))) {
            return Err(Failure::Refused("it is in the cluster".into()));
        }
        let known = view.detail.taken_out.as_deref() == Some(instance);
        match view.detail.repository {
            Repository::None => return so_already(),
            Repository::TakenOut(_) => {}
            Repository::Alone(_) if known => {}
            other => return Err(unfit(&other)),
        }
        let mut talk = (self.client.talk(self.to, USUAL).await).map_err(unanswered)?;
        let reply = talk.send(Method::DELETE, &self.client.path("")).await;
        let reply = reply.map_err(unanswered)?;
        if reply.is_success() {
            self.growing.is_new(self.to);
        }
        done(&reply)
    }

    async fn control(&self, instance: &str) -> Result<String, Failure> {
        let detail = self.view(self.to).await?.detail;
        if detail.controlling().is_some_and(|one| one.name == instance) {
            return so_already();
        }
        let query = query(&[("instanceName", instance)]);
        let path = self.client.path("/repl/controllingInstance");
        done(&self.put(&format!("{path}{query}")).await?)
    }

    async fn view(&self, at: Place) -> Result<View<Detail>, Failure> {
        look(self.client, self.growing, at)
            .await
            .map_err(unanswered)
    }

    /// What the server here says, if it is the controlling one.
    async fn controlling(&self, at: Place) -> Result<Detail, Failure> {
        let view = self.view(at).await?;
        let controlling = view.detail.controlling();
        match controlling.is_some_and(|one| view.node == one.name) {
            true => Ok(view.detail),
            false => Err(Failure::Refused(format!(
                "{} at {at} does not control the others",
                view.node
            ))),
        }
    }

    /// The path and query of a request about the server at this place, with the account that
    /// servers use among each other.
    fn with_login(
        &self,
        service: &str,
        at: Place,
        instance: &str,
        host: &str,
        more: &[(&str, &str)],
    ) -> Result<String, Failure> {
        let login = self.client.login();
        let login = login.map_err(|why| Failure::Unanswered(why.to_string()))?;
        let port = at.port(self.client.access().service_port).to_string();
        let mut all = vec![("instanceName", instance), ("host", host), ("port", &*port)];
        all.extend_from_slice(more);
        if let Some(login) = &login {
            all.extend([("user", &*login.user), ("password", &*login.password)]);
        }
        Ok(format!("{}{}", self.client.path(service), query(&all)))
    }

    async fn put(&self, path: &str) -> Result<Reply, Failure> {
        let reply = put(self.client, self.to, path, USUAL).await;
        reply.map_err(unanswered)
    }
}

async fn put(
    client: &Client,
    at: Place,
    path: &str,
    longest: Duration,
) -> Result<Reply, Unanswered> {
    client
        .talk(at, longest)
        .await?
        .send(Method::PUT, path)
        .await
}

fn unanswered(why: Unanswered) -> Failure {
    Failure::Unanswered(why.to_string())
}

fn so_already() -> Result<String, Failure> {
    Ok("it is so already".into())
}

fn unfit(repository: &Repository) -> Failure {
    Failure::Refused(format!("its repository is not as it was: {repository:?}"))
}

/// Any success is one; whatever else is kept in its words.
fn done(reply: &Reply) -> Result<String, Failure> {
    match reply.is_success() {
        true => Ok("done".into()),
        false => Err(Failure::Refused(reply.words())),
    }
}
