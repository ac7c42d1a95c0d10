use proptest::prelude::*;

use super::*;

/// A token of each shape, made for this test: what it is, and a pattern to make more of it.
const TOKENS: &[(&str, &str)] = &[
    ("an AWS access key ID", "(AKIA|ASIA)[A-Z2-7]{16}"),
    ("a GitHub token", "gh[pousr]_[A-Za-z0-9]{36}"),
    ("a GitHub fine-grained token", "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    ("a GitHub installation token", "ghs_[0-9]{6}_eyJ[A-Za-z0-9_-]{60}"),
    ("a GitLab token", "gl(pat|rt|ptt|soat)-[A-Za-z0-9_-]{20}"),
    ("a Slack token", "xox[bpars]-[0-9]{10,13}-[0-9]{10,13}-[A-Za-z0-9]{24}"),
    ("a Slack refresh token", "xoxe-1-[A-Za-z0-9]{146}"),
    ("a Slack app token", "xapp-1-A[A-Z0-9]{9}-[0-9]{13}-[a-f0-9]{64}"),
    ("a Slack webhook", "hooks\\.slack\\.com/services/T[A-Z0-9]{8,10}/B[A-Z0-9]{8,10}/[A-Za-z0-9]{24}"),
    ("a Stripe key", "[sr]k_(live|test)_[A-Za-z0-9]{24}"),
    ("a Stripe webhook secret", "whsec_[A-Za-z0-9+/]{32}"),
    ("a Google API key", "AIza[A-Za-z0-9_-]{35}"),
    ("a Google OAuth client secret", "GOCSPX-[A-Za-z0-9_-]{28}"),
    ("a Google access token", "ya29\\.[A-Za-z0-9_-]{60,100}"),
    ("an npm token", "npm_[A-Za-z0-9]{36}"),
    ("a PyPI token", "pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{60,100}"),
    ("a Twilio API key", "SK[0-9a-f]{32}"),
    ("a SendGrid API key", "SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}"),
    ("a Zendesk API token", "/token:[A-Za-z0-9]{40}"),
    ("a Shopify token", "shpat_[0-9a-f]{32}"),
    ("an Anthropic key", "sk-ant-api03-[A-Za-z0-9_-]{93}AA"),
    ("an OpenAI key", "sk-proj-[A-Za-z0-9_-]{74}"),
    ("an OpenAI key", "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    ("a DigitalOcean token", "dop_v1_[0-9a-f]{64}"),
    ("a Docker Hub token", "dckr_pat_[A-Za-z0-9_-]{27}"),
    ("an Atlassian token", "ATATT3xFfGF0[A-Za-z0-9_-]{180}"),
    ("a Databricks token", "dapi[0-9a-f]{32}"),
    ("a Vault token", "hvs\\.[A-Za-z0-9_-]{95}"),
    ("an Azure storage key", "AccountKey=[A-Za-z0-9+/]{86}=="),
    ("an age identity", "AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    ("a Portcullis signing key", "portcullis-secret-key-v[1-9]:[A-Za-z0-9+/]{43}="),
];

/// One whose halves are mixed, as chance mixes them nearly always.
const MIXED: &[(&str, &str)] = &[("a Hugging Face token", "hf_([a-z][A-Z]){17}")];

fn shapes(bytes: &[u8]) -> Vec<(&'static str, usize)> {
    scan(bytes).unwrap().iter().map(|finding| (finding.shape, finding.offset)).collect()
}

fn found(bytes: &[u8]) -> Vec<&'static str> {
    shapes(bytes).into_iter().map(|(shape, _)| shape).collect()
}

/// Up to three words, names, paths and numbers without anything between, again and again. What joins words for longer is in paths of small
/// letters alone: `password:key01_eyJeyJeyJ` is what chance would write, and is found.
const ORDINARY: &str = "((password|token|secret|api_key|SK|hf_|AKIA|eyJ|\\.eyJ|sk-|npm_|[a-z]{2,9}([/_-][a-z]{2,9}){0,4}|[A-Z][a-z]{2,9}|\
                        [0-9]{1,4}){1,3}[ =:,.\"']){0,100}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Side by side with any other text, without anything between, at any offset.
    #[test]
    fn a_token_is_found_wherever_it_lies(
        before in proptest::collection::vec(any::<u8>(), 0..200),
        close in "[ -~]{0,40}",
        tokens in tokens(),
        after in "[ -~]{0,40}",
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for (shape, token) in tokens {
            let bytes = [&before, close.as_bytes(), token.as_bytes(), after.as_bytes(), &rest].concat();
            let at = before.len() + close.len();
            prop_assert!(shapes(&bytes).contains(&(shape, at)), "{}: {}", shape, token);
            prop_assert!(shapes(token.as_bytes()).contains(&(shape, 0)), "{} alone: {}", shape, token);
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let found = scan(&bytes).unwrap();
        prop_assert!(found.len() <= MAX_FINDINGS);
        prop_assert!(found.iter().all(|one| one.offset < bytes.len() && one.shown.chars().count() <= 40));
    }

    /// Words, numbers and punctuation as programs and their messages have them.
    #[test]
    fn ordinary_text_has_none(text in ORDINARY) {
        prop_assert_eq!(found(text.as_bytes()), Vec::<&str>::new(), "{}", text);
    }
}

fn tokens() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let all = TOKENS.iter().chain(MIXED);
    all.map(|(shape, pattern)| proptest::string::string_regex(pattern).unwrap().prop_map(|token| (*shape, token)))
        .collect::<Vec<_>>()
}

const JWT: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJ6ZW5kZXNrIiwic2NvcGUiOiJ0aWNrZXRzIn0.\
                   q1pZqv0mGf1QyO3v2n4S8tWc6cS0x5zj9kE";

#[test]
fn a_json_web_token_is_found_amid_text_that_looks_like_one() {
    for before in ["", "x", "abc-", "eyJ", "eyJeyJ", "Authorization:Bearer ", "a.", ".eyJ", "eyJhbGci."] {
        for after in ["", ".", "x.y", "\"", " and more"] {
            let text = format!("{before}{JWT}{after}");
            assert!(shapes(text.as_bytes()).contains(&("a JSON Web Token", before.len())), "{text}");
        }
    }
    let (head, rest) = JWT.split_once('.').unwrap();
    for no_token in [
        JWT.replace("eyJzdWI", "eyJ!dWI"),
        format!("{head}.{head}"),
        format!("{head}.{head}.short"),
        format!("eyJub3QiOiJhIGhlYWRlciJ9.{rest}"),
    ] {
        assert_eq!(found(no_token.as_bytes()), Vec::<&str>::new(), "{no_token}");
    }
}

const BODY: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/ejguRk33kLpTgk4OuGz2Yj6Cg0Wk8pXk9pM";

#[test]
fn a_private_key_is_found_in_files_and_in_source_code() {
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        for line in ["\n", "\r\n", "\\n", "\\r\\n", "\\n\" +\n  \"", "\n    ", ""] {
            let text = format!("const key = \"-----BEGIN {label}-----{line}{BODY}{line}-----END {label}-----\"");
            assert_eq!(shapes(text.as_bytes()), [("a private key", 13)], "{text}");
        }
    }
    let encrypted = format!(
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,3F17F5316E2BAC89\n\n{BODY}\n"
    );
    assert_eq!(found(encrypted.as_bytes()), ["a private key"]);
    for harmless in [
        "-----BEGIN PRIVATE KEY----------BEGIN RSA PRIVATE KEY----------END PRIVATE KEY-----".to_owned(),
        "-----BEGIN PRIVATE KEY-----missing section end markerillegal section startInvalidEncodingUnexpectedEof"
            .to_owned(),
        format!("-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----"),
        format!("-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----"),
    ] {
        assert_eq!(found(harmless.as_bytes()), Vec::<&str>::new(), "{harmless}");
    }
}

#[test]
fn what_a_name_calls_secret_is_found_where_it_looks_random() {
    for secret in [
        "password = \"q7Gd0vXk2LpW9sTzR4mB\"",
        "api_key: 'f3a1c09b7d5e48f2a6b8c1d0e9f7a3b5'",
        "{\"client_secret\":\"pK8xQ2vN7bR4tY6wZ1mL\"}",
        "GET /v1?token=9fK2mX7qLw4ZtB8vRn3P&x=1",
        "const API_KEY = `k3J9xQ7vB2nM5tR8wZ1p`",
        "Authorization: Bearer 8sKd72Hq0PzLx9VbN4mW6tYc",
        "ZENDESK_TOKEN=6ce4be23a4b04fc5a2f0e5a9d7d2b8c1a0b3e4f5a6b7c8d9e0f1a2b3c4d5e6f7",
        "token => 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "aws_secret_access_key = aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0iL3oR6uX9b",
    ] {
        assert_eq!(found(secret.as_bytes()), ["a random value under a name for secrets"], "{secret}");
    }
    for harmless in [
        "password = \"hunter2\"",
        "password: string, token: string",
        "token = ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "api_key = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
        "secret = \"00000000-0000-0000-0000-000000000000\"",
        "token: UnexpectedEndOfFileInsideOfAStringLiteral",
        "password=&user=&q7Gd0vXk2LpW9sTzR4mB",
        "the token expected: com.example.helpdesk.plugins.v1beta2.Ticket",
        "client_secret = \"your-client-secret-0123456789abcdef\"",
        "tokens: 12345678901234567890123456789012",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ] {
        assert_eq!(found(harmless.as_bytes()), Vec::<&str>::new(), "{harmless}");
    }
}

#[test]
fn a_password_in_a_url_is_found_where_it_is_no_example() {
    let text = "postgres://app:k3J9xQ7v@db.internal/x";
    assert_eq!(shapes(text.as_bytes()), [("a password in a URL", 15)]);
    for harmless in [
        "https://user:password1@example.com/",
        "https://example.com:8443/@x1y2z3w4",
        "http://joe:hunter2@proxy:80",
        "https://a.test/b:c3d4e5f6g7@h",
    ] {
        assert_eq!(found(harmless.as_bytes()), Vec::<&str>::new(), "{harmless}");
    }
}

#[test]
fn a_password_in_a_header_is_found_where_it_is_one() {
    // Whatever lies behind it in the data.
    for after in ["", "recursion", "\0", "\"", "AAAA=="] {
        let text = format!("authorizationBasic YXBwOms0SjkteFE3dg=={after}");
        assert_eq!(shapes(text.as_bytes()), [("a password in an HTTP header", 19)], "{text}");
    }
    for harmless in
        ["Basic b2YtbXktb3durecursion", "Basic authentication", "Basic dXNlcjpwYXNzd29yZA==", "basic training: 1"]
    {
        assert_eq!(found(harmless.as_bytes()), Vec::<&str>::new(), "{harmless}");
    }
}

#[test]
fn stand_ins_of_documentation_are_none() {
    for text in [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "xoxb-your-token-goes-in-here-please-do-so",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.\
         SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        "npm_config_registry npm_lifecycle_event_of_the_package_that_runs",
    ] {
        assert_eq!(found(text.as_bytes()), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn a_finding_shows_four_characters() {
    let token = "ghp_1aB2cD3eF4gH5iJ6kL7mN8oP9qR0sT1uV2wX";
    let findings = scan(format!("\0\0{token}").as_bytes()).unwrap();
    assert_eq!(findings[0].to_string(), "a GitHub token at byte 2 (ghp_…)");
    assert!(!serde_json::to_string(&findings).unwrap().contains("ghp_1"));
    let many = format!("{token} ").repeat(50);
    let findings = scan(many.as_bytes()).unwrap();
    assert_eq!(findings.len(), MAX_FINDINGS);
    assert!(told(&findings).ends_with("at byte 82 (ghp_…), and 17 more"), "{}", told(&findings));
}

/// What costs most for its length: eight times as much of it takes nowhere near sixty-four times as long.
#[test]
fn hostile_bytes_take_time_in_proportion() {
    let took = |bytes: &[u8]| {
        let began = std::time::Instant::now();
        assert!(scan(bytes).unwrap().len() <= MAX_FINDINGS);
        began.elapsed()
    };
    let token = JWT.split_once('.').unwrap().0;
    for piece in
        [".eyJ", "eyJ", token, "-----BEGIN PRIVATE KEY-----", "token=", "glpat-", "SK", "://a:", "ghs_1", "basic AAAA"]
    {
        let (short, long) = (piece.repeat(8_000 / piece.len()), piece.repeat(64_000 / piece.len()));
        let base = took(short.as_bytes()).max(took(short.as_bytes()));
        let most = (base * 32).max(std::time::Duration::from_millis(50));
        assert!((0..3).any(|_| took(long.as_bytes()) <= most), "{piece}");
    }
}
