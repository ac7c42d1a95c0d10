//! What a presented access token is good for at this moment.
//!
//! Invariant: all that a token depends on is read at one time, for each request: it ends with its time, its revocation, its grant,
//! its client, its installation's release or state, and with each of these of the tokens that it was narrowed from.

use async_trait::async_trait;
use portcullis_model::{
    installation::{Installation, InstallationState},
    oauth::{AccessToken, AccessTokens, Bearer, Presented, Rejected, Standing},
    time::Timestamp,
};

use super::{AuthorizationServer, dpop::Proof, format::Sort};

/// Why a token is over; `None`: it is good.
pub(super) fn over(standing: &Standing, now: Timestamp) -> Option<&'static str> {
    let Standing { token, ancestors, grants, clients, installations } = standing;
    let all = || std::iter::once(token).chain(ancestors);
    if all().any(|one| one.expires <= now) || grants.iter().any(|grant| grant.expires <= now) {
        return Some("the access token has expired");
    }
    let revoked = all().any(|one| one.revoked.is_some())
        || grants.iter().any(|grant| grant.revoked.is_some())
        || all().zip(clients).any(|(one, client)| client.has_ended(one.issued))
        // A token that was on its way while all of its client's were ended is younger than its grant.
        || grants.iter().zip(clients).any(|(grant, client)| client.has_ended(grant.created));
    if revoked {
        return Some("the access token was revoked");
    }
    all().zip(installations).find_map(|(one, installation)| left(one, installation.as_ref()))
}

/// Why a token's installation is no reason for it any more.
fn left(token: &AccessToken, installation: Option<&Installation>) -> Option<&'static str> {
    match installation.filter(|one| one.id == token.installation && one.tenant == token.tenant) {
        Some(one) if one.state != InstallationState::Active => Some("the token's installation is not active"),
        Some(one) if one.release != token.release => {
            Some("the token's installation runs another release now; ask for a new token")
        }
        Some(_) => None,
        None => Some("the token's installation is gone"),
    }
}

fn rejected(why: &str) -> Rejected {
    Rejected::Token(why.to_owned())
}

impl AuthorizationServer {
    /// The proof that comes with a token that is bound to a key.
    fn possessed(&self, presented: &Presented, jkt: &str, now: Timestamp) -> Result<Proof, Rejected> {
        let fails = |why: String| Rejected::Proof(format!("the DPoP proof: {why}"));
        let proof = presented.proof.as_deref().ok_or_else(|| fails("it is missing".into()))?;
        let request = (presented.method.as_str(), presented.url.as_str());
        let proof = self.proofs.read(proof, request, Some(presented.token.expose()), now).map_err(fails)?;
        if proof.jkt != jkt {
            return Err(fails("it is by another key than the token is bound to".into()));
        }
        Ok(proof)
    }
}

#[async_trait]
impl AccessTokens for AuthorizationServer {
    async fn check(&self, presented: &Presented) -> Result<Bearer, Rejected> {
        let unknown = || rejected("the access token is unknown or over");
        let digest = Sort::Access.digest(presented.token.expose()).ok_or_else(unknown)?;
        let now = self.now();
        let standing = self.store().standing(&digest).await.map_err(|error| {
            tracing::error!(%error, "an access token cannot be looked up");
            Rejected::Unavailable
        })?;
        let standing = standing.ok_or_else(unknown)?;
        let token = &standing.token;
        // Before anything else is said about the token: whoever does not hold its key learns nothing.
        let proof = match (&token.jkt, presented.dpop) {
            (Some(jkt), true) => Some(self.possessed(presented, jkt, now)?),
            (Some(_), false) => return Err(rejected("the access token is bound to a key: present it with DPoP")),
            (None, true) => return Err(rejected("the access token is bound to no key: present it as Bearer")),
            (None, false) => None,
        };
        let why = match token.audience == presented.audience {
            true => over(&standing, now),
            false => Some("the access token is for another resource"),
        };
        match (why, proof) {
            // The proof may have been used before, and is not kept for a token that is of no use: why it is not, is not said.
            (Some(_), Some(_)) => {
                return Err(Rejected::Over(
                    "the access token is over, or not for this resource; ask for another".to_owned(),
                ));
            }
            (Some(why), None) => return Err(Rejected::Over(why.to_owned())),
            (None, Some(proof)) => {
                self.proofs.take(&proof, now).map_err(|why| Rejected::Proof(format!("the DPoP proof: {why}")))?;
            }
            (None, None) => {}
        }
        if let Some(frozen) = standing.installations.iter().flatten().find_map(|one| self.frozen(one)) {
            tracing::info!(%frozen, "a token is good and its installation is frozen");
            return Err(Rejected::Unavailable);
        }
        let token = standing.token;
        Ok(Bearer {
            reference: token.reference(),
            client: token.client,
            tenant: token.tenant,
            installation: token.installation,
            release: token.release,
            scopes: token.scopes,
            actors: token.actors.iter().map(ToString::to_string).collect(),
            expires: token.expires,
        })
    }
}
