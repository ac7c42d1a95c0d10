use std::sync::Mutex;

use async_trait::async_trait;
use portcullis_model::{
    duty::Party,
    freeze::Extent,
    id::Digest,
    incident::Reach,
    installation::{Installation, InstallationState},
    limits::Limits,
    rotation::{Held, Item, Nature, Renewal},
    upgrade::UpgradePolicy,
};

use super::*;

/// One incident in memory.
#[derive(Default)]
struct Memory {
    one: Mutex<Option<Incident>>,
    entries: Mutex<Vec<Entry>>,
    measures: Mutex<Option<Measures>>,
}

impl Memory {
    fn put(&self, incident: Incident, entries: Vec<Entry>) -> Incident {
        let incident = Incident { revision: incident.revision + 1, ..incident };
        self.entries.lock().unwrap().extend(entries);
        *self.one.lock().unwrap() = Some(incident.clone());
        incident
    }

    fn last(&self) -> Entry {
        self.entries.lock().unwrap().last().unwrap().clone()
    }
}

#[async_trait]
impl IncidentStore for Memory {
    async fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        Ok(self.one.lock().unwrap().iter().cloned().collect())
    }
    async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        Ok(self.one.lock().unwrap().clone().filter(|one| one.id == *id))
    }
    async fn open_incident(&self, incident: Incident, entry: Entry) -> Result<(), StoreError> {
        self.entries.lock().unwrap().push(entry);
        *self.one.lock().unwrap() = Some(incident);
        Ok(())
    }
    async fn change_incident(&self, incident: Incident, entries: Vec<Entry>) -> Result<Incident, ChangeError> {
        Ok(self.put(incident, entries))
    }
    async fn contain(&self, incident: Incident, measures: Measures) -> Result<Contained, ChangeError> {
        *self.measures.lock().unwrap() = Some(measures.clone());
        Ok(Contained { incident: self.put(incident, vec![measures.contained]), suspended: Vec::new() })
    }
    async fn lift(&self, incident: Incident, entry: Entry, _: Entry) -> Result<Incident, ChangeError> {
        Ok(self.put(incident, vec![entry]))
    }
    async fn unreached(&self) -> Result<Vec<IncidentId>, StoreError> {
        Ok(Vec::new())
    }
    async fn holding(&self) -> Result<Vec<IncidentId>, StoreError> {
        Ok(Vec::new())
    }
    async fn reached(&self, _: &IncidentId, _: Reach, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(1_000_000)
    }
}

impl Rng for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn desk(store: &Memory) -> Incidents<'_> {
    let name = "dana".to_owned();
    Incidents { store, clock: &Fixed, rng: &Fixed, actor: Actor::Person { name: name.clone() }, name, platform: true }
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn subject(about: &str, of: Option<&str>) -> Subject {
    Subject { about: about.parse().unwrap(), tenant: of.map(tenant) }
}

fn concerned(name: &str, profiles: &[&str]) -> Concerned {
    Concerned { tenant: tenant(name), profiles: profiles.iter().map(|one| one.parse().unwrap()).collect() }
}

fn opening(severity: AlertSeverity) -> Opening {
    Opening {
        title: "key stolen".into(),
        severity,
        subject: subject("plugin:com.example.bad", None),
        origin: Origin::Hand,
        personal_data: true,
        concerned: vec![concerned("acme", &["healthcare"]), concerned("beta", &[])],
    }
}

fn installation(id: &str, plugin: &str, of: &str, state: InstallationState) -> Installation {
    Installation {
        id: id.parse().unwrap(),
        tenant: tenant(of),
        plugin: plugin.parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "1.0.0".into(),
        number: 1,
        state,
        granted: Vec::new(),
        limits: Limits::default(),
        upgrades: UpgradePolicy::Manual,
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

fn held(of: &str, at: &str, name: &str, plugin: &str, provider: &str) -> Held {
    let (tenant, installation) = (tenant(of), at.parse().unwrap());
    let key = portcullis_model::connection::ConnectionKey { tenant, installation, name: name.into() };
    let nature = Nature { renewal: Renewal::Own, renewal_ends_old: false, refresh_once: false, revocable: true };
    Held {
        item: Item::connection(key),
        plugin: Some(plugin.parse().unwrap()),
        provider: Some(provider.parse().unwrap()),
        generation: 1,
        issued: None,
        nature,
        needs_person: false,
    }
}

#[test]
fn who_must_be_told_follows_from_the_table() {
    let at = Timestamp(0);
    let hours = |hours: i64| Some(Timestamp(hours * 3_600_000));
    let two = [concerned("acme", &["healthcare"]), concerned("beta", &[])];
    let all = table(&subject("plugin:com.example.bad", None), AlertSeverity::Critical, true, &two, at);
    let line = |key: &str| all.iter().find(|one| one.key == key);
    assert_eq!(line("authority").unwrap().due, hours(72), "GDPR Art. 33(1)");
    assert_eq!(line("authority").unwrap().by, Party::Subscriber, "the controller tells it");
    assert_eq!(line("authority").unwrap().tenants.len(), 2, "each by itself");
    assert_eq!(line("people").unwrap().due, None, "without undue delay is no number of hours");
    assert_eq!(line("health-authority").unwrap().tenants, [tenant("acme")], "whose profile it is, alone");
    assert!(line("card-brands").is_none() && line("provider").is_none());
    assert_eq!(all[0].key, "status-page", "what is due first comes first");

    let less = table(&subject("provider:zendesk", None), AlertSeverity::Medium, false, &two, at);
    let keys: Vec<&str> = less.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["subscriber", "provider"]);
    let nobody = table(&subject("plugin:com.example.bad", None), AlertSeverity::Low, true, &[], at);
    assert_eq!(nobody.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["publisher"]);
}

#[test]
fn a_plan_names_all_that_it_reaches_and_nothing_of_others() {
    let suspended = InstallationState::Suspended { reason: "x".into(), by_platform: false };
    let gone = InstallationState::Erased { at: Timestamp(1), held: None };
    let all = [
        installation("a", "com.example.bad", "acme", InstallationState::Active),
        installation("b", "com.example.bad", "beta", suspended),
        installation("c", "com.other.good", "acme", InstallationState::Active),
        installation("d", "com.example.bad", "acme", gone),
    ];
    let credentials = [
        held("acme", "a", "crm", "com.example.bad", "zendesk"),
        held("acme", "c", "crm", "com.other.good", "zendesk"),
        held("beta", "b", "chat", "com.example.bad", "slack"),
    ];
    let plan = |about: &str, of: Option<&str>| Plan::new(&subject(about, of), &all, &credentials);
    let ids = |ids: &[portcullis_model::id::InstallationId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();

    let everywhere = plan("publisher:com.example", None);
    assert_eq!((ids(&everywhere.suspend), ids(&everywhere.already)), (vec!["a".to_owned()], vec!["b".to_owned()]));
    assert_eq!(everywhere.freeze, [Extent::Publisher("com.example".parse().unwrap())]);
    assert_eq!((everywhere.credentials.len(), everywhere.tenants.len()), (2, 2));

    let here = plan("plugin:com.example.bad", Some("acme"));
    assert_eq!(
        here.freeze,
        [Extent::Installation("a".parse().unwrap())],
        "a freeze of the plugin would be everybody's"
    );
    assert_eq!((here.rotate.clone(), here.credentials.len()), (here.freeze.clone(), 1));

    let provider = plan("provider:zendesk", Some("acme"));
    assert_eq!(ids(&provider.suspend), ["a", "c"]);
    assert!(provider.rotate.iter().all(|extent| matches!(extent, Extent::Connection(_))), "{provider:?}");
    assert_eq!(provider.rotate.len(), 2);

    let without = Plan::new(&subject("plugin:com.example.bad", None), &all, &[]);
    assert!(without.rotate.is_empty(), "where there is no credential no act is begun");
}

#[tokio::test]
async fn an_incident_goes_its_way_and_is_not_closed_while_somebody_must_be_told() {
    let store = Memory::default();
    let desk = desk(&store);
    let id = desk.open(opening(AlertSeverity::High)).await.unwrap().id;
    assert!(id.as_str().starts_with("inc_"));
    assert_eq!(store.last().kind, Kind::IncidentOpened);
    assert_eq!(store.last().text("plugin"), Some("com.example.bad"), "who looks for the plugin finds it");
    assert!(desk.note(&id, " ").await.is_err());
    desk.note(&id, "the vendor confirms it").await.unwrap();

    let refused = desk.close(&id, "a stolen signing key", "two signatures from now on", None).await.unwrap_err();
    assert!(refused.to_string().contains("authority"), "{refused}");
    assert!(desk.told(&id, "nobody", "x y z", None, None).await.is_err());
    assert!(desk.told(&id, "subscriber", "Ana", Some(tenant("gamma")), None).await.is_err(), "not concerned");
    let later = Some(Timestamp(2_000_000));
    assert!(desk.told(&id, "subscriber", "Ana", None, later).await.is_err(), "what has not come is not said");
    let told = desk.told(&id, "subscriber", "Ana", Some(tenant("acme")), None).await.unwrap();
    assert_eq!(told.tell.iter().find(|one| one.key == "subscriber").unwrap().open().len(), 1);
    assert_eq!(store.last().tenant, Some(tenant("acme")), "in the tenant's own view");
    for key in told.tell.iter().map(|one| one.key.as_str()) {
        desk.told(&id, key, "all of them, by mail", None, None).await.unwrap();
    }
    assert!(desk.close(&id, "bug", "two signatures from now on", None).await.is_err(), "a word is no cause");
    let closed = desk.close(&id, "a stolen signing key", "two signatures from now on", None).await.unwrap();
    assert_eq!(closed.state(), State::Closed);
    assert!(desk.close(&id, "a stolen signing key", "two signatures from now on", None).await.is_err());
}

#[tokio::test]
async fn what_is_contained_is_contained_once_and_holds_beyond_the_closing() {
    let store = Memory::default();
    let desk = desk(&store);
    let id = desk.open(opening(AlertSeverity::High)).await.unwrap().id;
    let all = [installation("a", "com.example.bad", "acme", InstallationState::Active)];
    let plan = Plan::new(&subject("plugin:com.example.bad", None), &all, &[]);
    assert!(desk.lift(&id, "it is fixed").await.is_err(), "nothing is held");
    desk.contain(&id, &plan, false).await.unwrap();
    let measures = store.measures.lock().unwrap().clone().unwrap();
    assert_eq!((measures.freezes.len(), measures.reason.as_str()), (1, reason(&id).as_str()));
    assert!(!measures.reason.contains("key stolen"), "every tenant reads why it is suspended");
    assert!(desk.contain(&id, &plan, false).await.unwrap_err().to_string().contains("--resume"));
    let why = Some("nobody is concerned after all");
    let closed = desk.close(&id, "a stolen signing key", "two signatures from now on", why).await.unwrap();
    assert!(closed.containment.as_ref().unwrap().holds() && closed.notes.len() == 1);
    assert!(desk.contain(&id, &plan, false).await.is_err(), "it is closed");
    let tenants = Incidents { platform: false, ..super::tests::desk(&store) };
    assert!(tenants.lift(&id, "it is fixed").await.is_err(), "not theirs to lift");
    let lifted = desk.lift(&id, "the new release is installed").await.unwrap();
    assert!(!lifted.containment.unwrap().holds());
}
