//! The W3C trace context that a request brings along.
//!
//! Invariant: it is looked at only once the request has proved whose it is; what is unfit, or there twice, is none.

use axum::http::HeaderMap;
use portcullis_model::trace::Traceparent;

/// Where a request is in a trace, by its one `traceparent` header.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<Traceparent> {
    let mut all = headers.get_all("traceparent").iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Traceparent::parse(one.to_str().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_fit_and_no_other() {
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("traceparent", value.parse().unwrap());
            }
            traceparent(&headers).map(|trace| trace.to_string())
        };
        assert_eq!(of(&[given]).as_deref(), Some(given));
        for unfit in [&[][..], &[given, given], &["00-0-0-00"], &[""]] {
            assert_eq!(of(unfit), None);
        }
    }
}
