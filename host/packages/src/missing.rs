//! What is missing before a release runs as it asks: trust that it lacks, and what of its scopes somebody takes away.
//!
//! Invariant: every layer that would hold at run time is asked; what is missing names the layer, so that an admin knows whom to
//! ask.

use portcullis_model::{
    catalogue::Catalogue,
    release::{ReleaseError, VerifiedRelease},
    scope::{ScopeError, ScopeText},
};

use crate::{
    coverage::{Coverage, coverage},
    plan::InstallPlan,
};

impl InstallPlan {
    /// With what is missing. `judged`: what the registry says of the release in that tenant. `grant`: what would be granted.
    ///
    /// # Errors
    /// A reviewer's scope that no capability of this host understands.
    pub fn lacking(
        mut self,
        judged: Result<&VerifiedRelease, &ReleaseError>,
        grant: &[ScopeText],
        catalogue: &dyn Catalogue,
    ) -> Result<Self, ScopeError> {
        let mut missing = Vec::new();
        let reviewed = match judged {
            Ok(release) => release.reviewed.as_deref(),
            Err(error) => {
                missing.push(format!("trust: {error}"));
                None
            }
        };
        for scope in &self.scopes {
            let need = if scope.optional { "" } else { ", which it requires" };
            let text = &scope.scope;
            if scope.ceiling != Coverage::Whole {
                let left = left(&scope.allowed);
                missing.push(format!("ceiling: of {text}{need}, this platform and this tenant allow {left}"));
            }
            if let Some(reviewed) = reviewed {
                let (covered, allowed) = coverage(catalogue, text, reviewed)?;
                if covered != Coverage::Whole {
                    missing.push(format!("review: of {text}{need}, the reviewers approved {}", left(&allowed)));
                }
            }
            let (covered, given) = coverage(catalogue, text, grant)?;
            if covered != Coverage::Whole && !scope.optional {
                missing.push(format!("grant: of {text}{need}, {} would be granted", left(&given)));
            }
        }
        self.missing = missing;
        Ok(self)
    }
}

fn left(scopes: &[ScopeText]) -> String {
    match scopes {
        [] => "nothing".to_owned(),
        some => format!("only {}", some.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{id::Digest, time::Timestamp};

    use super::*;
    use crate::{
        check::Rules,
        inspect::Inspection,
        manifest::Manifest,
        testing::{Fake, MANIFEST, component},
    };

    const READ: &str = "tickets:read fields=comments";
    const RECEIVE: &str = "events:receive types=ticket.created";

    fn scopes(texts: &[&str]) -> Vec<ScopeText> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn each_layer_says_what_it_takes_away() {
        let manifest = Manifest::parse(&MANIFEST.replace("fields=comments", "fields=comments,tags")).unwrap();
        let inspection = Inspection::of(&component()).unwrap();
        let plan = |ceiling: &[&str]| {
            InstallPlan::new(&manifest, &inspection, Rules { catalogue: &Fake }, &scopes(ceiling)).unwrap()
        };
        let release = |reviewed: Option<&[&str]>| VerifiedRelease {
            digest: Digest::of(b"x"),
            plugin: manifest.id.clone(),
            publisher: manifest.publisher.clone(),
            version: manifest.version.clone(),
            number: manifest.release,
            asked: manifest.asked(),
            reviewed: reviewed.map(scopes),
            until: Timestamp(1),
            limits: manifest.limits,
            destinations: manifest.destinations(),
        };
        let all: Vec<String> = manifest.asked().iter().map(ToString::to_string).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let whole = plan(&all).lacking(Ok(&release(None)), &manifest.required(), &Fake).unwrap();
        assert_eq!(whole.missing, [""; 0]);
        let less = plan(&[READ, RECEIVE]).lacking(Ok(&release(Some(&[READ]))), &scopes(&[READ]), &Fake).unwrap();
        assert_eq!(
            less.missing,
            [
                "ceiling: of tickets:read fields=comments,tags, which it requires, this platform and this tenant allow only \
                 tickets:read fields=comments",
                "review: of tickets:read fields=comments,tags, which it requires, the reviewers approved only tickets:read \
                 fields=comments",
                "grant: of tickets:read fields=comments,tags, which it requires, only tickets:read fields=comments would be \
                 granted",
                "review: of events:receive types=ticket.created, which it requires, the reviewers approved nothing",
                "grant: of events:receive types=ticket.created, which it requires, nothing would be granted",
                "ceiling: of http:send to=chat.example.test, this platform and this tenant allow nothing",
                "review: of http:send to=chat.example.test, the reviewers approved nothing",
            ]
        );
        let error = ReleaseError::Refused { digest: Digest::of(b"x"), reason: "1 of 2 reviewers".into() };
        let untrusted = plan(&all).lacking(Err(&error), &manifest.required(), &Fake).unwrap();
        assert!(untrusted.missing[0].starts_with("trust: ") && untrusted.missing[0].contains("1 of 2 reviewers"));
    }
}
