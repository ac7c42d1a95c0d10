//! Tokens that are told by how they begin, and by what must follow.
//!
//! Strings lie side by side in a component's data, without anything between them. So nothing is asked of what comes before a token,
//! and after it only that it is long enough.
//!
//! Invariant: after a beginning, a bounded number of bytes is looked at.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{
    Hit,
    judge::{is_example, is_mixed, is_stand_in, is_worth_telling},
    pem, token,
};
use crate::inspect::InspectError;

/// Which bytes a part of a token is made of.
#[derive(Clone, Copy)]
enum Of {
    /// `0-9`.
    Digits,
    /// `0-9 a-f`, in either case.
    Hex,
    /// `A-Z 2-7`, as in base32 (RFC 4648).
    Base32,
    /// `A-Z 0-9`.
    Capitals,
    /// `A-Z a-z 0-9`.
    Word,
    /// `A-Z a-z 0-9 _`.
    Name,
    /// `A-Z a-z 0-9 - _`, as in base64url (RFC 4648).
    Url,
    /// `A-Z a-z 0-9 + /`, as in base64 (RFC 4648).
    Base64,
}

impl Of {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base32 => byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte),
            Self::Capitals => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Word => byte.is_ascii_alphanumeric(),
            Self::Name => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Url => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
            Self::Base64 => byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/',
        }
    }
}

/// What follows the beginning of a token.
enum Rest {
    /// Runs of these kinds and at least these lengths, each preceded by its separator. A run that another one follows has at most
    /// [`MAX_RUN`] bytes; where the next separator could belong to it, exactly its least length.
    Runs(&'static [(&'static str, Of, usize)]),
    /// The same after a beginning that ordinary words have too: small letters and capitals must be mixed.
    Mixed(&'static [(&'static str, Of, usize)]),
    /// A private key in PEM.
    Pem,
    /// The payload of a JSON Web Token.
    Token,
}

use Rest::{Mixed, Runs};

/// The longest run that another one follows.
const MAX_RUN: usize = 64;

/// What it looks like, how it begins, what follows.
type Shape = (&'static str, &'static [&'static str], Rest);

const SHAPES: &[Shape] = &[
    ("an AWS access key ID", &["AKIA", "ASIA", "ABIA", "ACCA"], Runs(&[("", Of::Base32, 16)])),
    ("a GitHub token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], Runs(&[("", Of::Word, 36)])),
    ("a GitHub installation token", &["ghs_"], Runs(&[("", Of::Digits, 1), ("_", Of::Url, 36)])),
    ("a GitHub fine-grained token", &["github_pat_"], Runs(&[("", Of::Name, 36)])),
    (
        "a GitLab token",
        &["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "glimt-"],
        Runs(&[("", Of::Url, 20)]),
    ),
    ("a Slack token", &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-"], Runs(&[("", Of::Digits, 1), ("-", Of::Url, 20)])),
    (
        "a Slack refresh token",
        &["xoxe-", "xoxe.xoxp-", "xoxe.xoxb-"],
        Runs(&[("", Of::Digits, 1), ("-", Of::Word, 40)]),
    ),
    (
        "a Slack app token",
        &["xapp-"],
        Runs(&[("", Of::Digits, 1), ("-", Of::Capitals, 8), ("-", Of::Digits, 8), ("-", Of::Word, 32)]),
    ),
    (
        "a Slack webhook",
        &["hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/"],
        Runs(&[("", Of::Capitals, 8), ("/", Of::Capitals, 8), ("/", Of::Word, 20)]),
    ),
    ("a Stripe key", &["sk_live_", "rk_live_", "sk_test_", "rk_test_"], Runs(&[("", Of::Word, 24)])),
    ("a Stripe webhook secret", &["whsec_"], Runs(&[("", Of::Base64, 32)])),
    ("a Google API key", &["AIza"], Runs(&[("", Of::Url, 35)])),
    ("a Google OAuth client secret", &["GOCSPX-"], Runs(&[("", Of::Url, 28)])),
    ("a Google access token", &["ya29."], Runs(&[("", Of::Url, 40)])),
    ("an npm token", &["npm_"], Runs(&[("", Of::Word, 36)])),
    ("a PyPI token", &["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZ"], Runs(&[("", Of::Url, 50)])),
    ("a Twilio API key", &["SK"], Runs(&[("", Of::Hex, 32)])),
    ("a SendGrid API key", &["SG."], Runs(&[("", Of::Url, 22), (".", Of::Url, 43)])),
    ("a Zendesk API token", &["/token:"], Runs(&[("", Of::Word, 40)])),
    ("a Shopify token", &["shpat_", "shpca_", "shppa_", "shpss_"], Runs(&[("", Of::Hex, 32)])),
    ("an Anthropic key", &["sk-ant-"], Runs(&[("", Of::Word, 3), ("-", Of::Url, 60)])),
    ("an OpenAI key", &["sk-proj-", "sk-svcacct-", "sk-admin-"], Runs(&[("", Of::Url, 40)])),
    ("an OpenAI key", &["sk-"], Runs(&[("", Of::Word, 20), ("T3BlbkFJ", Of::Word, 20)])),
    ("a Hugging Face token", &["hf_"], Mixed(&[("", Of::Word, 34)])),
    ("a DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], Runs(&[("", Of::Hex, 64)])),
    ("a Docker Hub token", &["dckr_pat_", "dckr_oat_"], Runs(&[("", Of::Url, 27)])),
    ("an Atlassian token", &["ATATT3xFfGF0"], Runs(&[("", Of::Url, 100)])),
    ("a Databricks token", &["dapi"], Runs(&[("", Of::Hex, 32)])),
    ("a Vault token", &["hvs.", "hvb."], Runs(&[("", Of::Url, 90)])),
    ("an Azure storage key", &["AccountKey="], Runs(&[("", Of::Base64, 86)])),
    ("an age identity", &["AGE-SECRET-KEY-1"], Runs(&[("", Of::Capitals, 58)])),
    ("a Portcullis signing key", &["portcullis-secret-key-v"], Runs(&[("", Of::Digits, 1), (":", Of::Base64, 40)])),
    ("a private key", &[pem::MARK], Rest::Pem),
    ("a JSON Web Token", &[token::MARK], Rest::Token),
];

/// The automaton over all beginnings, and the shape of each of its patterns.
struct Beginnings {
    automaton: AhoCorasick,
    shapes: Vec<&'static Shape>,
}

static BEGINNINGS: LazyLock<Result<Beginnings, aho_corasick::BuildError>> = LazyLock::new(|| {
    let all = SHAPES.iter().flat_map(|shape| shape.1.iter().map(move |beginning| (beginning, shape)));
    let (beginnings, shapes): (Vec<&str>, Vec<&Shape>) = all.map(|(beginning, shape)| (*beginning, shape)).unzip();
    Ok(Beginnings { automaton: AhoCorasick::new(beginnings)?, shapes })
});

pub(super) fn scan(bytes: &[u8]) -> Result<Vec<Hit>, InspectError> {
    let all = BEGINNINGS.as_ref().map_err(|error| InspectError::patterns(error.clone()))?;
    let mut hits: Vec<Hit> = Vec::new();
    for found in all.automaton.find_overlapping_iter(bytes) {
        let Some((name, _, rest)) = all.shapes.get(found.pattern().as_usize()) else { continue };
        let span = match rest {
            Runs(list) => runs(&bytes[found.end()..], list).map(|end| (found.start(), found.end() + end)),
            Mixed(list) => {
                let end = runs(&bytes[found.end()..], list).map(|end| found.end() + end);
                end.filter(|end| is_mixed(&bytes[found.end()..*end])).map(|end| (found.start(), end))
            }
            Rest::Pem => pem::after(&bytes[found.end()..]).map(|end| (found.start(), found.end() + end)),
            Rest::Token => token::around(bytes, found.start()),
        };
        if let Some((start, end)) = span.filter(|(start, end)| told(&bytes[*start..*end], rest, &bytes[*start..])) {
            hits.push(Hit { shape: name, start, end });
        }
    }
    Ok(hits)
}

/// Whether it is no stand-in for a token.
fn told(found: &[u8], shape: &Rest, from: &[u8]) -> bool {
    !is_example(from) && (matches!(shape, Rest::Pem | Rest::Token) || !is_stand_in(found))
}

/// Where the runs end, if they are all there and long enough. The last one is taken at its least length.
fn runs(rest: &[u8], runs: &[(&str, Of, usize)]) -> Option<usize> {
    let (mut at, mut longest) = (0, 0..0);
    for (index, (separator, of, least)) in runs.iter().enumerate() {
        let after = rest.get(at..)?.strip_prefix(separator.as_bytes())?;
        at += separator.len();
        let most = match runs.get(index + 1) {
            Some((next, ..)) if !next.bytes().any(|byte| of.has(byte)) => MAX_RUN.max(*least),
            _ => *least,
        };
        let length = after.iter().take(most).take_while(|byte| of.has(**byte)).count();
        if length < *least {
            return None;
        }
        if length > longest.len() {
            longest = at..at + length;
        }
        at += length;
    }
    is_worth_telling(&rest[longest]).then_some(at)
}
