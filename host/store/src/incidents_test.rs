use portcullis_model::{
    alert::AlertSeverity,
    audit::Kind,
    freeze::{Extent, Freeze, FreezeStore as _},
    incident::{Containment, Note, Origin},
    installation::InstallationStore as _,
    time::Timestamp,
};

use super::*;
use crate::testing::{entry, installation, store};

fn incident(about: &str, tenant: Option<&str>) -> Incident {
    Incident {
        id: "inc_1".parse().unwrap(),
        title: "tokens seen elsewhere".into(),
        severity: AlertSeverity::High,
        subject: Subject { about: about.parse().unwrap(), tenant: tenant.map(|name| name.parse().unwrap()) },
        origin: Origin::Hand,
        personal_data: true,
        opened: Timestamp(1),
        by: "dana".into(),
        tell: Vec::new(),
        notes: Vec::new(),
        containment: None,
        closed: None,
        announced: None,
        revision: 1,
    }
}

fn with_containment(incident: Incident) -> Incident {
    let containment = Containment {
        at: Timestamp(2),
        log_index: 0,
        by: "dana".into(),
        platform: true,
        left_to_host: false,
        suspended: 0,
        already: 0,
        freezes: Vec::new(),
        rotates: Vec::new(),
        holders: Vec::new(),
        reach: None,
        egress: None,
        through: None,
        given_up: None,
        lifted: None,
    };
    Incident { containment: Some(containment), ..incident }
}

fn measures(extents: &[Extent]) -> Measures {
    let freeze = |extent: &Extent| Freeze {
        number: 0,
        extent: extent.clone(),
        reason: "inc_1".into(),
        by: "dana".into(),
        since: Timestamp(2),
        act: None,
        incident: None,
        platform: true,
    };
    Measures {
        reason: "incident inc_1".into(),
        freezes: extents.iter().map(freeze).collect(),
        frozen: entry(Kind::FreezeAdded),
        suspended: entry(Kind::PluginSuspended),
        contained: entry(Kind::IncidentContained),
    }
}

async fn install(store: &SqliteStore, id: &str, plugin: &str, tenant: &str) -> Installation {
    let (plugin, tenant) = (plugin.parse().unwrap(), tenant.parse().unwrap());
    let one = Installation { plugin, tenant, ..installation(id) };
    assert!(store.put_installation(one.clone(), None, entry(Kind::PluginInstalled)).await.unwrap());
    one
}

fn reach(left: u64) -> Reach {
    Reach { at: Timestamp(3), log_index: 0, host_runs: true, calls_ended: 1, calls_left: left }
}

#[tokio::test]
async fn a_containment_is_one_transaction_and_holds_until_it_is_lifted() {
    let (_dir, store) = store();
    let hit = install(&store, "a", "com.example.bad", "acme").await;
    install(&store, "b", "com.example.good", "acme").await;
    install(&store, "c", "com.example.bad", "beta").await;
    store.open_incident(incident("plugin:com.example.bad", None), entry(Kind::IncidentOpened)).await.unwrap();
    let before = store.entry_count().await.unwrap();
    let extent = Extent::Plugin("com.example.bad".parse().unwrap());
    let with = with_containment(incident("plugin:com.example.bad", None));
    let done = store.contain(with.clone(), measures(std::slice::from_ref(&extent))).await.unwrap();
    assert_eq!(done.suspended.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    let containment = done.incident.containment.clone().unwrap();
    assert_eq!((containment.suspended, containment.already, containment.log_index), (2, 0, before));
    assert_eq!(containment.freezes, [(1, extent)]);
    assert_eq!(store.freezes().await.unwrap().freezes.len(), 1);
    let kinds: Vec<Kind> =
        store.entries(before, 10).await.unwrap().iter().map(|stored| stored.read().unwrap().kind).collect();
    assert_eq!(
        kinds,
        [Kind::IncidentContained, Kind::PluginSuspended, Kind::PluginSuspended, Kind::FreezeAdded],
        "what it begins with comes first"
    );
    assert!(matches!(store.contain(with, measures(&[])).await, Err(ChangeError::Conflict(_))), "once");

    // Nobody starts it again, and nobody installs another one, while it holds.
    let back = Installation { state: InstallationState::Active, generation: 3, ..hit.clone() };
    assert!(!store.put_installation(back.clone(), Some(2), entry(Kind::PluginResumed)).await.unwrap());
    let held = store.held_by(&back).await.unwrap().unwrap();
    assert!(held.to_string().contains("incident lift inc_1"), "{held}");
    let new = Installation { generation: 1, id: "d".parse().unwrap(), ..back.clone() };
    assert!(!store.put_installation(new, None, entry(Kind::PluginInstalled)).await.unwrap());

    assert_eq!(store.holding().await.unwrap().len(), 1);
    let lifted = Note { by: "dana".into(), at: Timestamp(9), text: "fixed".into() };
    let mut over = store.incident(&"inc_1".parse().unwrap()).await.unwrap().unwrap();
    over.containment.as_mut().unwrap().lifted = Some(lifted);
    let over = store.lift(over, entry(Kind::IncidentLifted), entry(Kind::FreezeLifted)).await.unwrap();
    assert_eq!(over.revision, 3);
    assert!(store.freezes().await.unwrap().freezes.is_empty() && store.holding().await.unwrap().is_empty());
    assert!(store.put_installation(back, Some(2), entry(Kind::PluginResumed)).await.unwrap());
}

#[tokio::test]
async fn one_tenants_containment_is_no_other_tenants() {
    let (_dir, store) = store();
    install(&store, "a", "com.example.bad", "acme").await;
    let other = install(&store, "c", "com.example.bad", "beta").await;
    let one = incident("publisher:com.example", Some("acme"));
    store.open_incident(one.clone(), entry(Kind::IncidentOpened)).await.unwrap();
    let done = store.contain(with_containment(one), measures(&[])).await.unwrap();
    assert_eq!(done.suspended.len(), 1);
    assert_eq!(store.held_by(&other).await.unwrap(), None);
}

#[tokio::test]
async fn it_is_said_once_that_nothing_runs_any_more() {
    let (_dir, store) = store();
    let (one, id) = (incident("plugin:com.example.bad", None), "inc_1".parse().unwrap());
    store.open_incident(one.clone(), entry(Kind::IncidentOpened)).await.unwrap();
    assert!(!store.reached(&id, reach(0), entry(Kind::IncidentEnforced)).await.unwrap(), "it is not contained");
    store.contain(with_containment(one), measures(&[])).await.unwrap();
    assert_eq!(store.unreached().await.unwrap(), std::slice::from_ref(&id));
    let say = async |left| store.reached(&id, reach(left), entry(Kind::IncidentEnforced)).await.unwrap();
    assert_eq!((say(2).await, say(1).await), (true, false), "what goes on is not said again and again");
    assert_eq!(store.unreached().await.unwrap(), std::slice::from_ref(&id), "it is looked at until nothing goes on");
    assert_eq!((say(0).await, say(0).await), (true, false));
    assert!(store.unreached().await.unwrap().is_empty());
    let reach = store.incident(&id).await.unwrap().unwrap().containment.unwrap().reach.unwrap();
    assert_eq!(reach.log_index, store.entry_count().await.unwrap() - 1);
}

#[tokio::test]
async fn a_change_needs_the_revision_that_it_was_made_from() {
    let (_dir, store) = store();
    let one = incident("plugin:com.example.bad", None);
    store.open_incident(one.clone(), entry(Kind::IncidentOpened)).await.unwrap();
    let noted = store.change_incident(one.clone(), vec![entry(Kind::IncidentNoted)]).await.unwrap();
    assert_eq!(noted.revision, 2);
    assert!(matches!(store.change_incident(one, vec![]).await, Err(ChangeError::Conflict(_))));
    let unknown = Incident { id: "inc_2".parse().unwrap(), ..noted };
    assert!(matches!(store.change_incident(unknown, vec![]).await, Err(ChangeError::Unknown(_))));
    assert_eq!(store.incidents().await.unwrap().len(), 1);
}
