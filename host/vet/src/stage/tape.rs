//! What is recorded of one call.

use portcullis_model::{
    audit::plain,
    behaviour::{Shape, Tried},
    id::Digest,
    scope::{ScopeText, parse_bytes, print_bytes},
};

/// One act that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The act's id in the call; empty for what has none.
    pub id: String,
    pub act: String,
    pub what: What,
    /// Over all of its arguments, so that two can be compared.
    pub arguments: Digest,
    /// The arguments themselves, where somebody wants to see them.
    pub words: Option<String>,
    /// How it ended, where it was permitted.
    pub outcome: Option<String>,
}

/// What became of it, and what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Permitted(Shape),
    /// With the least scope that would have covered it.
    Denied(ScopeText),
}

/// A request, as far as a report has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request {
    pub host: String,
    pub port: Option<u16>,
    pub method: String,
    pub tried: Tried,
    pub problem: Option<String>,
}

/// Everything that was asked in one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape {
    pub asked: Vec<Asked>,
    pub requests: Vec<Request>,
    pub stack: Vec<String>,
}

/// The most acts of one call that are kept: as many as its limit of calls into the host allows by itself, where it is not huge.
const MOST: usize = 20_000;

impl Tape {
    pub fn ask(&mut self, asked: Asked) {
        if self.asked.len() < MOST {
            self.asked.push(asked);
        }
    }

    pub fn request(&mut self, request: Request) {
        if self.requests.len() < MOST {
            self.requests.push(request);
        }
    }
}

/// The parts of a scope that say what sort of thing is missing; what could be a value, or is another one each time, falls away.
pub(crate) fn generalised(scope: &ScopeText) -> ScopeText {
    let mut general = ScopeText::new(scope.capability(), scope.action());
    for key in ["fields", "visibility", "methods", "scan"] {
        if !scope.values(key).is_empty() {
            general = general.with(key, scope.values(key).to_vec());
        }
    }
    if let [to] = scope.values("to")
        && let Some(end) = to.get(8..).and_then(|rest| rest.find('/'))
    {
        general = general.with("to", [format!("{}/*", &to[..8 + end])]);
    }
    if let [bytes] = scope.values("bytes") {
        let classes = [1 << 10, 64 << 10, 1 << 20, 16 << 20, 1 << 30];
        let bytes = parse_bytes(bytes).unwrap_or(u64::MAX);
        let class = classes.into_iter().find(|class| bytes <= *class).unwrap_or(1 << 40);
        general = general.with("bytes", [print_bytes(class)]);
    }
    general
}

/// Host and port of what was to be a URL, whatever is wrong with it.
pub(crate) fn place(url: &str) -> (String, Option<u16>) {
    let unreadable = || ("(unreadable)".to_owned(), None);
    let Ok(url) = url::Url::parse(url) else { return unreadable() };
    match url.host_str() {
        Some(host) => (plain(super::known::head(host, 255)), url.port_or_known_default()),
        None => unreadable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_scope_has_no_values_in_it() {
        for (scope, general) in [
            ("tickets:read fields=subject,tags", "tickets:read fields=subject,tags"),
            (
                "http:send to=https://a.example:8443/user/sam?x methods=POST",
                "http:send methods=POST to=https://a.example:8443/*",
            ),
            ("kv:write bytes=1234B ttl=7s", "kv:write bytes=64KiB"),
            ("attachments:read types=image/x-sam bytes=3MiB scan=clean", "attachments:read bytes=16MiB scan=clean"),
            ("tickets:delete", "tickets:delete"),
        ] {
            assert_eq!(generalised(&scope.parse().unwrap()).to_string(), general);
        }
    }

    #[test]
    fn finds_the_place_in_what_is_no_target() {
        let found = |url: &str| place(url);
        assert_eq!(found("https://169.254.169.254/latest"), ("169.254.169.254".into(), Some(443)));
        assert_eq!(found("http://a.example/x"), ("a.example".into(), Some(80)));
        assert_eq!(found("https://a.example@b.example/x"), ("b.example".into(), Some(443)));
        assert_eq!(found("no url"), ("(unreadable)".into(), None));
        assert_eq!(found("data:text/plain,x"), ("(unreadable)".into(), None));
    }
}
