//! Client credentials (RFC 6749, 4.4): a back end asks for itself, within what its installation may do.

use portcullis_model::oauth::{Change, Grant, Origin, Put};

use super::{
    AuthorizationServer, Params,
    answer::TokenAnswer,
    authenticate::Caller,
    error::{Code, OAuthError},
    issue::Narrowed,
    scopes::{self, Asked},
};

impl AuthorizationServer {
    pub(super) async fn client_credentials(&self, caller: &Caller, params: &Params) -> Result<TokenAnswer, OAuthError> {
        if !caller.by_registered_key {
            let why = "this client registered no key, so that nothing tells it from others; use authorization_code";
            return Err(OAuthError::new(Code::UnauthorizedClient, why));
        }
        let catalogue = self.parts.catalogue.as_ref();
        let asked = Asked::read(params, catalogue)?.ok_or_else(scopes::unasked)?;
        let audience = self.audience(params)?;
        let authority = self.authority(&caller.client, &caller.installation).await?;
        let left = scopes::not_empty(asked.of(&authority, catalogue)?)?;
        let now = self.now();
        let grant =
            Grant { scopes: left.clone(), ..self.short_grant(caller, audience, Origin::ClientCredentials, now) };
        let minted = self.mint(caller, &grant, left, caller.jkt.clone(), Narrowed::default(), now);
        let change = Change {
            grant: Some(Put { row: grant, expected: None }),
            access: Some(minted.row.clone()),
            entries: vec![minted.entry.clone()],
            ..Change::default()
        };
        match self.store().change(change).await? {
            true => Ok(minted.answer(None, false, now)),
            false => Err(OAuthError::unavailable()),
        }
    }
}
