//! What the server can do (RFC 8414, 2).

use serde_json::{Value, json};

use super::{AuthorizationServer, jwk, scopes, token};

impl AuthorizationServer {
    /// The document at `/.well-known/oauth-authorization-server`.
    pub fn metadata(&self) -> Value {
        let settings = self.settings();
        let methods = ["private_key_jwt", "none"];
        json!({
            "issuer": settings.issuer,
            "authorization_endpoint": settings.endpoint("authorize"),
            "token_endpoint": settings.endpoint("token"),
            "revocation_endpoint": settings.endpoint("revoke"),
            "introspection_endpoint": settings.endpoint("introspect"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": token::GRANTS,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": jwk::ALGORITHMS,
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": jwk::ALGORITHMS,
            "introspection_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_signing_alg_values_supported": jwk::ALGORITHMS,
            "dpop_signing_alg_values_supported": jwk::ALGORITHMS,
            "authorization_details_types_supported": [scopes::TYPE],
            "authorization_response_iss_parameter_supported": true,
            "protected_resources": settings.resources,
        })
    }
}
