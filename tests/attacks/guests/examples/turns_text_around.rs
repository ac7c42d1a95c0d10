//! tries: to make a reader see another text than is there, with marks that turn the direction of writing
//! stands-for: MON-1, INC-2
//! expect: failed invalid
//! afterwards: logs

use portcullis_attack_guests::*;

attack!(|_| {
    let turned = "\u{202e}desufer\u{202c} \u{2066}permitted\u{2069} \u{200f}\u{200e}\u{61c}\u{202a}\u{202b}\u{202d}\u{2067}\u{2068}";
    say(turned);
    Err(Error::Invalid(turned.to_owned()))
});
