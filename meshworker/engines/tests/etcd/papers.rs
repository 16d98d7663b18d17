//! Certificates of one authority, for members and for the worker.

use std::fs;
use std::path::Path;

use aerospike_sim::testing::Loopback;
use meshworker_engines::Tls;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};

/// How the worker reaches members with certificates of its own.
pub fn tls(folder: &Path, block: &Loopback) -> Tls {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let trusted = authority.self_signed(&key).unwrap();
    fs::write(folder.join("ca.pem"), trusted.pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let mut own = CertificateParams::new(Vec::new()).unwrap();
    // A member is a client of the others, and its gateway one of itself.
    own.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    // By which the kernel calls them to each other as well.
    let localhost = SanType::IpAddress([127, 0, 0, 1].into());
    let others = (0..8).map(|number| SanType::IpAddress(block.address(number)));
    own.subject_alt_names = others.chain([localhost]).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = own.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    Tls {
        ca_file: Some(folder.join("ca.pem")),
        client: Some((folder.join("cert.pem"), folder.join("key.pem"))),
        server_name: None,
    }
}

/// What a member is started with that asks for them.
pub fn arguments(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let (trusted, certificate, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    vec![
        "--client-cert-auth".into(),
        "--peer-client-cert-auth".into(),
        format!("--trusted-ca-file={trusted}"),
        format!("--cert-file={certificate}"),
        format!("--key-file={key}"),
        format!("--peer-trusted-ca-file={trusted}"),
        format!("--peer-cert-file={certificate}"),
        format!("--peer-key-file={key}"),
    ]
}
