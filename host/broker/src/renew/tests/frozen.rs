//! While something is frozen nobody's provider is asked but by a person's order.

use portcullis_model::{
    freeze::{Extent, Freeze, FreezeStore as _},
    installation::{Installation, InstallationStore as _},
};

use super::*;
use crate::rotation::{Brake, Change, FreezeBook};

async fn under_freezes(setup: &Setup) -> Arc<FreezeBook> {
    let digest = portcullis_model::id::Digest::of(b"x");
    let row = format!(
        r#"{{"id":"ins_1","tenant":"acme","plugin":"com.example.chat","release":"{digest}","manifest":"{digest}",
        "version":"1.0.0","state":"active","granted":[],"limits":{{}},"generation":1}}"#
    );
    let installation: Installation = serde_json::from_str(&row).unwrap();
    assert!(setup.store.put_installation(installation, None, entry()).await.unwrap());
    let book = Arc::new(FreezeBook::new(setup.store.clone(), setup.connections.clone()));
    setup.renewals.held_by(Arc::new(Brake::new(&book, setup.store.clone())));
    book
}

async fn freeze(setup: &Setup, extent: Extent) -> u64 {
    let (reason, by) = ("a breach".to_owned(), "dana".to_owned());
    let freeze =
        Freeze { number: 0, extent, reason, by, since: Timestamp(0), act: None, incident: None, platform: false };
    setup.store.add_freeze(freeze, entry()).await.unwrap()
}

#[tokio::test]
async fn whatever_is_frozen_is_renewed_by_a_persons_order_alone() {
    for extent in [
        Extent::All,
        Extent::Tenant("acme".parse().unwrap()),
        Extent::Provider("chat".parse().unwrap()),
        Extent::Publisher("com.example".parse().unwrap()),
        Extent::Plugin("com.example.chat".parse().unwrap()),
        Extent::Installation("ins_1".parse().unwrap()),
        Extent::Connection(key()),
    ] {
        let setup = Setup::new().await;
        let book = under_freezes(&setup).await;
        let number = freeze(&setup, extent.clone()).await;
        book.tick().await.unwrap();
        setup.at(250);
        let rng: Arc<dyn Rng> = Arc::new(Counter::default());
        let mut ahead = Renewer::new(setup.connections.clone(), setup.renewals.clone(), setup.time.clone(), rng);
        while ahead.tick().await > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(setup.asked(), 0, "{extent}: ahead");
        assert_eq!(setup.replaced().await, None, "{extent}: a host refused it");
        setup.at(300);
        let error = setup.carried().await.unwrap_err();
        assert!(error.contains("is over") && error.contains("a breach"), "{extent}: {error}");
        for because in [Because::Over, Because::Due, Because::Refused, Because::Policy] {
            let held = setup.renewals.newer(&key().into(), 1, because).await;
            assert!(matches!(held, Err(RenewError::Frozen(_))), "{extent} {because:?}");
        }
        assert_eq!((setup.asked(), setup.head().await), (0, Head::ready(1)), "{extent}: nor was it intended");
        // A person's order goes out; and what was lifted goes on.
        assert_eq!(setup.renewals.newer(&key().into(), 1, Because::Asked).await.unwrap(), 2);
        assert!(setup.store.lift_freeze(number, entry()).await.unwrap());
        book.tick().await.unwrap();
        setup.at(600);
        assert_eq!(setup.carried().await.unwrap(), "access-number-2", "{extent}");
    }
}

#[tokio::test]
async fn what_another_freeze_covers_is_renewed() {
    let setup = Setup::new().await;
    let book = under_freezes(&setup).await;
    for extent in [Extent::Provider("mail".parse().unwrap()), Extent::Plugin("com.example.mail".parse().unwrap())] {
        freeze(&setup, extent).await;
    }
    book.tick().await.unwrap();
    setup.at(300);
    assert_eq!(setup.carried().await.unwrap(), "access-number-1");
}

#[tokio::test]
async fn one_that_is_under_way_when_a_freeze_comes_is_waited_for_and_not_cut_off() {
    for (extent, longest) in
        [(Extent::Provider("chat".parse().unwrap()), 5_000), (Extent::Provider("mail".parse().unwrap()), 150)]
    {
        let setup = Setup::new().await;
        let book = under_freezes(&setup).await;
        setup.provider.slow.store(true, Ordering::SeqCst);
        setup.at(300);
        let renewals = setup.renewals.clone();
        let going = tokio::spawn(async move { renewals.newer(&key().into(), 1, Because::Over).await });
        while setup.asked() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        freeze(&setup, extent.clone()).await;
        let began = std::time::Instant::now();
        let change: Change = book.tighten().await.unwrap().unwrap();
        assert_eq!(change.left, 0, "{extent}");
        let waited = extent == Extent::Provider("chat".parse().unwrap());
        assert_eq!(going.is_finished() || setup.renewals.under_way() == 0, waited, "{extent}");
        assert!(began.elapsed() < Duration::from_millis(longest), "{extent}");
        assert_eq!(going.await.unwrap().unwrap(), 2, "{extent}: what it issued is not lost");
    }
}

#[tokio::test]
async fn where_nobody_knows_whose_it_is_nobody_is_asked() {
    let setup = Setup::new().await;
    let book = Arc::new(FreezeBook::new(setup.store.clone(), setup.connections.clone()));
    setup.renewals.held_by(Arc::new(Brake::new(&book, setup.store.clone())));
    setup.at(300);
    assert!(setup.carried().await.unwrap_err().contains("no installation"));
    drop(book);
    assert!(setup.carried().await.unwrap_err().contains("is stopping"));
    assert_eq!(setup.asked(), 0);
}
