//! TLS with libpq's meaning of `sslmode`.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::target::{Tls, TlsMode};

/// A connector for the settings; the error is for people.
pub(super) fn connector(tls: &Tls) -> Result<MakeRustlsConnect, String> {
    if tls.mode == TlsMode::VerifyFull && tls.ca.is_none() && tls.cert.is_none() {
        return trusting_the_system();
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(tls, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|error| format!("TLS: {} does not fit to {}: {error}", key.display(), cert.display()))?,
        _ => builder.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

/// What `sslrootcert=system` means to libpq, which allows it with verify-full alone.
fn trusting_the_system() -> Result<MakeRustlsConnect, String> {
    // An error means that the process has a default already.
    let _ = ring::default_provider().install_default();
    MakeRustlsConnect::with_native_certs()
        .map(|(connector, _)| connector)
        .map_err(|_| "TLS: the system knows no authorities; name the file with the server's (sslrootcert)".to_owned())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| format!("TLS: {}: {error}", file.display()))?;
    if certificates.is_empty() { Err(format!("TLS: {} has no certificate", file.display())) } else { Ok(certificates) }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| format!("TLS: {}: {error}", file.display()))
}

/// Which certificates of a server are good.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Whom to trust, and whether the name must be the host's; `None` = nothing is verified but the handshake.
    trust: Option<Trust>,
}

#[derive(Debug)]
struct Trust {
    anchors: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
    name_matters: bool,
}

impl Verifier {
    fn new(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let trust = match (tls.mode, &tls.ca) {
            (TlsMode::VerifyCa | TlsMode::VerifyFull, None) => {
                let why = "TLS: to verify the server so, name the file with its authority (sslrootcert)";
                return Err(why.to_owned());
            }
            // libpq takes a named authority seriously even where verification was not asked for.
            (TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull, Some(file)) => {
                Some(Trust::new(certificates(file)?, provider, tls.mode == TlsMode::VerifyFull)?)
            }
            _ => None,
        };
        Ok(Self { provider: Arc::clone(provider), trust })
    }
}

impl Trust {
    fn new(
        anchors: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
        name_matters: bool,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(anchors.iter().cloned());
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| format!("TLS: the authority cannot be used: {error}"))?;
        Ok(Self { anchors, chains, name_matters })
    }

    fn check(
        &self,
        server: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        // A certificate that signed itself is its own authority: the file holds the very certificate.
        if self.anchors.contains(server) {
            return if self.name_matters {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(server)?, name)
            } else {
                Ok(())
            };
        }
        // The name is looked at last, so that this error means that the chain is good.
        match self.chains.verify_server_cert(server, chain, name, &[], now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name_matters => Ok(()),
            answer => answer.map(drop),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(trust) = &self.trust {
            trust.check(server, chain, name, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
