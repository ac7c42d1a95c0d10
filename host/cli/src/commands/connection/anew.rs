//! A consent anew, for what a connection was made for before: the operation that everybody asks.

use anyhow::Result;
use portcullis_api::admin::Method;
use portcullis_model::connection::ConnectionKey;

use super::authorize::Link;
use crate::{
    admin::{Keyboard, given, or_unknown},
    host::Host,
};

/// Makes a link for the same provider, scopes, hosts and client.
pub(super) async fn link(host: &Host, key: &ConnectionKey) -> Result<Link> {
    let path = format!("/connections/{}/{}/authorize", key.installation, key.name);
    let made = Keyboard::of(host)?.act(Method::POST, &path, None, None).await;
    let made = or_unknown(made, || {
        format!("{} has no connection '{}' yet; say of which provider, with --provider", key.installation, key.name)
    });
    given(made?)
}
