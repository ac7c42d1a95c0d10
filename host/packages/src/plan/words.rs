//! A plan in words, for an admin and for a reviewer.

use portcullis_model::limits::Limits;

use super::{Coverage, InstallPlan, PlannedScope};

impl InstallPlan {
    /// All of it, line by line, for a terminal.
    pub fn words(&self) -> String {
        let mut lines = vec![
            format!("{} {} (release {}) by {}", self.name, self.version, self.release, self.publisher),
            self.summary.clone(),
            format!("Terms: {}   Privacy: {}   Support: {}", self.terms, self.privacy, self.support),
            "It asks for:".into(),
        ];
        lines.extend(self.scopes.iter().flat_map(asked));
        for (title, items) in [
            ("Its publisher says:", &self.statements()),
            ("It cannot, whatever is granted:", &self.cannot),
            ("Note:", &self.notes),
            ("Missing:", &self.missing),
            ("IT CANNOT BE INSTALLED:", &self.refusals),
        ] {
            if !items.is_empty() {
                lines.push(title.into());
                lines.extend(items.iter().map(|item| format!("  {item}")));
            }
        }
        lines.push(format!("Limits: {}", limits(&self.limits)));
        lines.join("\n")
    }
}

fn asked(scope: &PlannedScope) -> Vec<String> {
    let optional = if scope.optional { ", optional" } else { "" };
    let risk = format!("{:?}", scope.risk).to_lowercase();
    let mut lines =
        vec![format!("  {}  [{risk} risk{optional}]", scope.scope), format!("      it {}", scope.words.join("; "))];
    if !scope.classes.is_empty() {
        let classes: Vec<&str> = scope.classes.iter().map(|class| class.name()).collect();
        lines.push(format!("      data: {}", classes.join(", ")));
    }
    lines.push(format!("      because: {}", scope.purpose));
    if scope.ceiling != Coverage::Whole {
        let left: Vec<String> = scope.allowed.iter().map(ToString::to_string).collect();
        let left = if left.is_empty() { "nothing".into() } else { left.join("; ") };
        lines.push(format!("      this platform and this tenant allow of it: {left}"));
    }
    lines
}

/// What of the limits is not as usual.
fn limits(own: &Limits) -> String {
    let usual = Limits::default().entries();
    let other = own.entries().into_iter().zip(usual).filter(|(own, usual)| own != usual);
    let other: Vec<String> = other.map(|((name, value), _)| format!("{name} {value}")).collect();
    if other.is_empty() { "the usual ones".to_owned() } else { format!("{}; else the usual ones", other.join(", ")) }
}
