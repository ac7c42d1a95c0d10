//! `security.txt` (RFC 9116): whom to tell of a vulnerability (MNT-7).
//!
//! Invariant: it is not served a moment longer than it says that it holds (section 2.5.5).

use anyhow::{Result, anyhow};
use portcullis_model::time::Timestamp;
use serde::Deserialize;

/// `[security]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Security {
    /// Where to report: `mailto:`, `https:` or `tel:`, the best first. None: no `security.txt`.
    pub contact: Vec<String>,
    /// Until when all of this holds; at most a year ahead is advised.
    pub expires: Option<Timestamp>,
    /// Where the policy is that reports are handled by.
    pub policy: Option<String>,
    /// Where a key is, to encrypt reports with.
    pub encryption: Option<String>,
    /// Where reporters are thanked.
    pub acknowledgments: Option<String>,
    /// Languages that reports are understood in, such as `en`.
    pub languages: Vec<String>,
    /// Where this very file is to be had.
    pub canonical: Vec<String>,
}

impl Security {
    pub(crate) fn check(&self) -> Result<()> {
        let all = self.contact.iter().map(|one| (one, &["https://", "mailto:", "tel:"][..]));
        let pages = [&self.policy, &self.encryption, &self.acknowledgments].into_iter().flatten();
        let pages = pages.chain(&self.canonical).map(|one| (one, &["https://", "dns:", "openpgp4fpr:"][..]));
        for (value, begins) in all.chain(pages) {
            let fine = begins.iter().any(|begin| value.len() > begin.len() && value.starts_with(begin));
            if !fine || !value.chars().all(|c| c.is_ascii_graphic()) {
                return Err(anyhow!(
                    "security: '{}' is no address that begins with {}",
                    portcullis_model::audit::plain(value),
                    begins.join(" or ")
                ));
            }
        }
        let tag = |one: &String| !one.is_empty() && one.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !self.languages.iter().all(tag) {
            return Err(anyhow!("security.languages: expected tags such as 'en' (RFC 5646)"));
        }
        match (self.contact.is_empty(), self.expires) {
            (false, None) => {
                Err(anyhow!("security.expires: say until when 'contact' holds, such as '2027-06-30T00:00:00Z'"))
            }
            (true, Some(_)) => {
                Err(anyhow!("security.contact: say where to report, such as 'mailto:security@acme.example'"))
            }
            _ => Ok(()),
        }
    }
}

/// The file; absent where nobody is named, and where what is named does not hold any more.
pub fn security_txt(of: &Security, now: Timestamp) -> Option<String> {
    let expires = of.expires.filter(|expires| *expires > now)?;
    let mut lines: Vec<String> = of.contact.iter().map(|one| format!("Contact: {one}")).collect();
    if lines.is_empty() {
        return None;
    }
    lines.push(format!("Expires: {expires}"));
    let mut field = |name: &str, value: Option<String>| lines.extend(value.map(|value| format!("{name}: {value}")));
    field("Encryption", of.encryption.clone());
    field("Acknowledgments", of.acknowledgments.clone());
    field("Preferred-Languages", (!of.languages.is_empty()).then(|| of.languages.join(", ")));
    of.canonical.iter().for_each(|one| field("Canonical", Some(one.clone())));
    field("Policy", of.policy.clone());
    Some(format!("{}\n", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Security, String> {
        let of: Security = toml::from_str(text).map_err(|error| error.to_string())?;
        of.check().map_err(|error| error.to_string()).map(|()| of)
    }

    #[test]
    fn it_has_the_fields_of_the_rfc_and_ends_when_it_says() {
        let text = "contact = ['mailto:security@acme.example', 'https://acme.example/report']\n\
            expires = '2027-06-30T00:00:00Z'\npolicy = 'https://acme.example/policy'\nlanguages = ['en', 'de']\n";
        let of = read(text).unwrap();
        let at = |text: &str| Timestamp::parse(text).unwrap();
        assert_eq!(
            security_txt(&of, at("2027-06-29T23:59:59Z")).unwrap(),
            "Contact: mailto:security@acme.example\nContact: https://acme.example/report\nExpires: 2027-06-30T00:00:00.000Z\n\
             Preferred-Languages: en, de\nPolicy: https://acme.example/policy\n"
        );
        assert_eq!(security_txt(&of, at("2027-06-30T00:00:00Z")), None);
        assert_eq!(security_txt(&Security::default(), Timestamp(0)), None);
    }

    #[test]
    fn what_would_make_other_lines_or_lead_nowhere_is_refused() {
        let with = |contact: &str| read(&format!("contact = [{contact}]\nexpires = '2027-06-30T00:00:00Z'"));
        assert!(with("'mailto:a@b.example'").is_ok());
        for wrong in [
            "'a@b.example'",
            "'http://b.example'",
            "'mailto:'",
            "\"mailto:a@b.example\\nExpires: never\"",
            "'mailto:a b'",
        ] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
        assert!(read("contact = ['mailto:a@b.example']").unwrap_err().contains("security.expires"));
        assert!(read("expires = '2027-06-30T00:00:00Z'").unwrap_err().contains("security.contact"));
        assert!(
            read("contact = ['mailto:a@b.example']\nexpires = '2027-06-30T00:00:00Z'\nlanguages = ['en, x']").is_err()
        );
    }
}
