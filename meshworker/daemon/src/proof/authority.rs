//! The certificate authority that follows from a token.

use std::fmt;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ED25519,
};
use ring::hkdf;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
};

use crate::token_file::Token;

/// Another protocol, another salt: both ends must derive the same.
const SUPERVISORS: &[u8] = b"meshworker members and workers 1";

/// For what databases say to each other: whoever takes a database's key from its
/// container can speak as a database, and not as a supervisor.
const DATABASES: &[u8] = b"meshworker databases 1";

/// What stands before the seed in a PKCS #8 document of an Ed25519 key (RFC 8410, section 7).
const PKCS8_ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// For what workers say to each other: whoever has proved to be a member has not proved to be
/// a worker.
const WORKERS: &[u8] = b"meshworker workers 1";

/// Who proves to whom that it knows a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Members, and the workers whom they call.
    Members,
    /// Workers among themselves.
    Workers,
}

/// No authority can be made of a token. It does not depend on the token.
#[derive(Debug, thiserror::Error)]
#[error("no certificate can be made: {0}")]
pub struct Unusable(String);

/// What a certificate is shown for. One for calling does not do for answering,
/// so that a member's cannot be shown as a worker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Calls,
    Answers,
    /// Databases are both to each other.
    Both,
}

/// A certificate and its key, made for this process alone.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// The certificate authority that follows from a token.
pub struct Authority {
    name: String,
    root: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Derives that of these.
    ///
    /// # Errors
    ///
    /// No certificate can be made, whatever the token.
    pub fn of(token: &Token, among: Among) -> Result<Authority, Unusable> {
        let salt = match among {
            Among::Members => SUPERVISORS,
            Among::Workers => WORKERS,
        };
        Authority::derive(token, salt)
    }

    /// Derives that of the members' databases.
    ///
    /// # Errors
    ///
    /// No certificate can be made, whatever the token.
    pub(super) fn of_databases(token: &Token) -> Result<Authority, Unusable> {
        Authority::derive(token, DATABASES)
    }

    fn derive(token: &Token, salt: &[u8]) -> Result<Authority, Unusable> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(token.as_bytes());
        let seed: [u8; 32] = derived(&secret, b"authority")?;
        let id: [u8; 16] = derived(&secret, b"name")?;
        let name = format!("{:032x}.meshworker", u128::from_be_bytes(id));
        let document = [&PKCS8_ED25519[..], &seed].concat();
        let key = PrivatePkcs8KeyDer::from(document);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ED25519)?;
        let params = authoritys(&name);
        let root = params.self_signed(&key)?;
        Ok(Authority {
            name,
            root,
            issuer: Issuer::new(params, key),
        })
    }

    /// What it is called on the wire: it names the token, and tells nothing of it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its certificate: what whoever trusts it must have.
    pub(super) fn root(&self) -> &Certificate {
        &self.root
    }

    /// Its key with another authority's signature: by this, whoever trusts only
    /// the other one trusts what this one signs.
    pub(super) fn vouched_by(&self, other: &Authority) -> Result<Certificate, Unusable> {
        Ok(authoritys(&self.name).signed_by(self.issuer.key(), &other.issuer)?)
    }

    pub(super) fn server_name(&self) -> Result<ServerName<'static>, Unusable> {
        ServerName::try_from(self.name.clone()).map_err(|why| Unusable(why.to_string()))
    }

    pub(super) fn trusted_by(&self, roots: &mut RootCertStore) -> Result<(), Unusable> {
        let added = roots.add(self.root.der().clone());
        added.map_err(|why| Unusable(why.to_string()))
    }

    /// A new key with a certificate for this. It holds for longer than any
    /// process lives, whatever its clock says: who changes the token ends it.
    pub(super) fn signed(&self, role: Role) -> Result<(Certificate, KeyPair), Unusable> {
        let mut params = CertificateParams::new(vec![self.name.clone()])?;
        params.distinguished_name = named(&self.name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let (calls, answers) = (
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        );
        params.extended_key_usages = match role {
            Role::Calls => vec![calls],
            Role::Answers => vec![answers],
            Role::Both => vec![calls, answers],
        };
        // OpenSSL 3.0 cannot read a key of the other kind as it is written here.
        let kind = match role {
            Role::Both => &PKCS_ECDSA_P256_SHA256,
            _ => &PKCS_ED25519,
        };
        let key = KeyPair::generate_for(kind)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate, key))
    }

    /// The same, for a connection of this process.
    pub(super) fn identity(&self, role: Role) -> Result<Identity, Unusable> {
        let (certificate, key) = self.signed(role)?;
        Ok(Identity {
            chain: vec![certificate.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.name)
    }
}

impl Unusable {
    pub(super) fn new(why: &dyn fmt::Display) -> Unusable {
        Unusable(why.to_string())
    }
}

impl From<rcgen::Error> for Unusable {
    fn from(why: rcgen::Error) -> Unusable {
        Unusable(why.to_string())
    }
}

/// What an authority's certificate says.
fn authoritys(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn derived<const N: usize>(secret: &hkdf::Prk, label: &[u8]) -> Result<[u8; N], Unusable> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut bytes = [0; N];
    let label = [label];
    let expanded = secret.expand(&label, Length(N));
    let filled = expanded.and_then(|expanded| expanded.fill(&mut bytes));
    filled.map_err(|why| Unusable(why.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_derive_one_authority_and_another_token_another() {
        let token = |text: &str| Token::try_from(text).unwrap();
        let of = |text: &str| Authority::of(&token(text), Among::Members).unwrap();
        let one = of("the first token of two");
        let same = of("the first token of two");
        let other = of("the first token of tw0");
        let databases = Authority::of_databases(&token("the first token of two")).unwrap();
        let workers = Authority::of(&token("the first token of two"), Among::Workers).unwrap();
        assert_eq!((&one.name, one.root.der()), (&same.name, same.root.der()));
        for another in [other, databases, workers] {
            assert_ne!(one.name, another.name);
            assert_ne!(one.root.der(), another.root.der());
        }
        // No two processes have one key.
        let key = |authority: &Authority| {
            let identity = authority.identity(Role::Calls).unwrap();
            identity.key.secret_der().to_vec()
        };
        assert_ne!(key(&one), key(&same));
    }
}
