//! Who stands between a member and its worker, and knows no token.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Passes on what both sides say, and keeps what the member sent.
pub struct Recorder;

impl Recorder {
    /// Listens before this worker, for one connection.
    pub async fn before(worker: SocketAddr) -> (SocketAddr, JoinHandle<Vec<u8>>) {
        let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = between.local_addr().unwrap();
        let recorder = tokio::spawn(async move {
            let (mut member, _) = between.accept().await.unwrap();
            let mut server = TcpStream::connect(worker).await.unwrap();
            let mut recorded = Vec::new();
            let (mut up, mut down) = ([0; 4096], [0; 4096]);
            loop {
                tokio::select! {
                    read = member.read(&mut up) => match read {
                        Ok(read) if read > 0 => {
                            recorded.extend(&up[..read]);
                            server.write_all(&up[..read]).await.unwrap();
                        }
                        _ => break,
                    },
                    read = server.read(&mut down) => match read {
                        Ok(read) if read > 0 => member.write_all(&down[..read]).await.unwrap(),
                        _ => break,
                    },
                }
            }
            recorded
        });
        (place, recorder)
    }
}

/// Answers in any name that it is asked for, with a certificate of its own.
#[derive(Debug, Default)]
pub struct Forger {
    asked_for: Mutex<String>,
}

/// The name that was asked for, and what was said to it then; none if nothing was.
pub type Heard = (String, Result<Vec<u8>, ()>);

impl Forger {
    /// Listens, for one connection.
    pub async fn listening() -> (SocketAddr, JoinHandle<Heard>) {
        let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = between.local_addr().unwrap();
        let forger = tokio::spawn(async move {
            let forger = Arc::new(Forger::default());
            let config = ServerConfig::builder_with_provider(provider())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::clone(&forger) as Arc<dyn ResolvesServerCert>);
            let (member, _) = between.accept().await.unwrap();
            let heard = async {
                let mut stream = TlsAcceptor::from(Arc::new(config)).accept(member).await?;
                let mut heard = vec![0; 4096];
                let read = stream.read(&mut heard).await?;
                heard.truncate(read);
                std::io::Result::Ok(heard)
            };
            let heard = heard.await.map_err(drop);
            let name = forger.asked_for.lock().unwrap().clone();
            (name, heard)
        });
        (place, forger)
    }
}

impl ResolvesServerCert for Forger {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_owned();
        let (chain, key) = forged(&name);
        *self.asked_for.lock().unwrap() = name;
        CertifiedKey::from_der(chain, key, &provider())
            .ok()
            .map(Arc::new)
    }
}

type Certificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A certificate in this name that nobody signed but whoever shows it.
pub fn forged(name: &str) -> Certificate {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    (vec![made.cert.der().clone()], key)
}

/// Says this from this address to the worker there, whoever it is, and what it answers.
pub async fn says(
    from: IpAddr,
    worker: SocketAddr,
    name: &str,
    certificate: Option<Certificate>,
    words: &str,
) -> String {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous(provider())));
    let config = match certificate {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
        None => config.with_no_client_auth(),
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut answer = Vec::new();
    let said = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(worker).await?;
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        stream.write_all(words.as_bytes()).await?;
        stream.read_to_end(&mut answer).await
    };
    let _ = said.await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Takes anybody for whom it looks for.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
