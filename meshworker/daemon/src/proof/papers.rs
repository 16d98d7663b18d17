//! The certificates by which the members' databases know each other.

use super::authority::Role;
use super::{Authority, Unusable};
use crate::token_file::Token;

/// What one database shows the others, and whom it trusts: three PEM files.
pub struct Papers {
    /// Whom it trusts: whoever has a certificate that follows from one of the tokens.
    pub trusted: String,
    /// Its certificate, to call with and to answer with, and who vouches for it.
    pub certificate: String,
    /// The certificate's key, made for this process alone.
    pub key: String,
}

impl Papers {
    /// From the tokens, which are in the file's order.
    ///
    /// The first one signs, and the others vouch for it: so who has the new and
    /// the old one is trusted by those who have either, and a change in two
    /// steps, first to both and then to the new one alone, cuts nobody off.
    ///
    /// # Errors
    ///
    /// There is no token, or no certificate can be made.
    pub fn of(tokens: &[Token]) -> Result<Papers, Unusable> {
        let authorities = tokens.iter().map(Authority::of_databases);
        let authorities = authorities.collect::<Result<Vec<_>, _>>()?;
        let (signs, others) = authorities
            .split_first()
            .ok_or_else(|| Unusable::new(&"no token"))?;
        let (certificate, key) = signs.signed(Role::Both)?;
        let mut chain = certificate.pem();
        for other in others {
            chain += &signs.vouched_by(other)?.pem();
        }
        Ok(Papers {
            trusted: authorities.iter().map(|one| one.root().pem()).collect(),
            certificate: chain,
            key: key.serialize_pem(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// What databases read certificates with. An error in its words is a failure.
    fn openssl(folder: &Path, arguments: &str) -> bool {
        let openssl = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .output();
        let output = openssl.expect("openssl, which the tests of TLS need");
        output.status.success()
    }

    #[test]
    fn a_change_of_the_token_in_two_steps_cuts_nobody_off() {
        let token = |text: &str| Token::try_from(text).unwrap();
        let (new, old) = (token("the-new-token-123"), token("the-old-token-123"));
        let steps = [vec![old.clone()], vec![new.clone(), old], vec![new]];
        let folder = tempfile::tempdir().unwrap();
        for (step, tokens) in steps.iter().enumerate() {
            let papers = Papers::of(tokens).unwrap();
            for (name, content) in [
                ("ca", papers.trusted),
                ("cert", papers.certificate),
                ("key", papers.key),
            ] {
                let path = folder.path().join(format!("{name}{step}.pem"));
                std::fs::write(path, content).unwrap();
            }
            let key = format!("pkey -noout -in key{step}.pem");
            assert!(openssl(folder.path(), &key), "the key of step {step}");
        }
        let trusts = |those: usize, these: usize| {
            ["sslserver", "sslclient"].map(|purpose| {
                let verify = format!(
                    "verify -purpose {purpose} -CAfile ca{those}.pem \
                     -untrusted cert{these}.pem cert{these}.pem"
                );
                openssl(folder.path(), &verify)
            })
        };
        for (one, other) in [(0, 1), (1, 0), (1, 2), (2, 1), (1, 1)] {
            assert_eq!(trusts(one, other), [true, true], "{one} trusts {other}");
        }
        assert_eq!([trusts(0, 2), trusts(2, 0)], [[false, false]; 2]);
    }
}
