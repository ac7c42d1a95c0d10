//! `GET /installations/{id}/sheet`: an installed plugin's responsibility sheet: one document about it (INT-9, DAT-12).

use portcullis_duties::{
    catalogue::Catalogue,
    sheet::{Sheet, answers},
};
use portcullis_model::{
    duty::Party,
    id::DutyId,
    people::{Resource, actions},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    super::{installations::Which, posture::value},
    Ports,
};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable, unknown},
    problem::Problem,
};

/// Shows a sheet.
pub struct Show;

/// A plugin's responsibility sheet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sheet)]
pub struct SheetView {
    /// Whose terms, what it may do and what for, where data goes and who handles it there, risks that somebody answers for.
    #[schema(value_type = Object)]
    sheet: Value,
    /// What is still to be done about it, by whom.
    open: Vec<OpenOfSheet>,
    /// Who answers for what.
    answers: Vec<AnswersFor>,
}

/// Something that is still to be done about a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenOfSheet {
    /// By whom.
    #[schema(value_type = String)]
    party: Party,
    /// What.
    what: String,
}

/// What one party answers for.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnswersFor {
    /// Which party.
    #[schema(value_type = String)]
    party: Party,
    /// Its duties.
    duties: Vec<DutyTitle>,
}

/// A duty in a few words.
#[derive(Debug, Serialize, ToSchema)]
pub struct DutyTitle {
    /// Its id.
    #[schema(value_type = String)]
    id: DutyId,
    /// What it is.
    title: String,
}

fn missing() -> Problem {
    unknown(
        "There is no installation with this id, or its release is not in the registry; see GET /admin/v1/installations.",
    )
}

/// The installation that a sheet is asked of.
pub(super) async fn resource_of(ports: &Ports, path: &Which) -> Result<Resource, Problem> {
    let whose = ports.look.whose(&path.id).await.map_err(|error| unavailable(&error))?;
    whose.map(|tenant| Resource::of(tenant, "installation").named(path.id.as_str())).ok_or_else(missing)
}

/// Its sheet.
pub(super) async fn found(ports: &Ports, path: &Which) -> Result<Sheet, Problem> {
    ports.look.sheet(&path.id).await.map_err(|error| unavailable(&error))?.ok_or_else(missing)
}

impl Operation for Show {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = SheetView;

    const ABOUT: About =
        About::get(actions::DUTIES_LIST, "/installations/{id}/sheet", "Show a plugin's responsibility sheet")
            .id("duties.sheet")
            .on(On::Installation);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        resource_of(ports, path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<SheetView>, Problem> {
        Ok(Reply::json(SheetView::of(&found(ports, &call.path).await?, ports.look.catalogue())?))
    }
}

impl SheetView {
    /// A sheet, with what is open and who answers for what.
    pub(super) fn of(sheet: &Sheet, catalogue: &Catalogue) -> Result<Self, Problem> {
        let open = sheet.open().into_iter().map(|(party, what)| OpenOfSheet { party, what }).collect();
        let title = |(id, title)| DutyTitle { id, title };
        let answers = answers(catalogue)
            .into_iter()
            .map(|(party, duties)| AnswersFor { party, duties: duties.into_iter().map(title).collect() })
            .collect();
        Ok(Self { sheet: value(sheet)?, open, answers })
    }
}
