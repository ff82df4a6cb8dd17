//! What the router has to know: strategies, agents, and the DNs to watch.

use std::collections::BTreeMap;
use std::sync::Arc;

use orchestration::{ManagerConfig, MemorySource, SessionManager};
use routing::AgentProfile;

use crate::config::ClusterConfig;
use crate::start::StartError;

/// Strategies that were read and checked, and the agents they route to.
#[derive(Clone, Debug)]
pub struct RoutingConfig {
    /// Routing points and the document that each runs.
    pub(super) points: BTreeMap<String, String>,
    /// The documents, by their file names.
    pub(super) documents: Arc<MemorySource>,
    /// Agents and skills.
    pub(super) agents: Vec<AgentProfile>,
    /// Phones that agents may log in at.
    pub(super) extensions: Vec<String>,
}

impl RoutingConfig {
    /// Reads and checks the strategies of a deployment.
    ///
    /// # Errors
    ///
    /// [`StartError`] names the file, line, column and rule of everything that is wrong.
    pub fn load(config: &ClusterConfig) -> Result<Self, StartError> {
        let mut points = BTreeMap::new();
        let mut documents = MemorySource::new();
        for point in &config.routing_points {
            let name = point.strategy.display().to_string();
            let text = std::fs::read_to_string(&point.strategy)
                .map_err(|error| StartError::value(config, &file_name(&name), format!("{name}: {error}")))?;
            documents = documents.with(&name, text);
            points.insert(point.number.clone(), name);
        }
        let documents = Arc::new(documents);
        let mut manager = SessionManager::new(ManagerConfig::default(), documents.clone());
        for name in points.values() {
            manager
                .load(name)
                .map_err(|error| StartError::Strategy(error.to_string()))?;
        }
        let agents = config.agents.iter().map(|agent| {
            let skills = agent.skills.iter();
            skills.fold(AgentProfile::new(agent.id.as_str()), |profile, (skill, level)| {
                profile.with_skill(skill.as_str(), *level)
            })
        });
        Ok(Self {
            points,
            documents,
            agents: agents.collect(),
            extensions: config
                .extensions
                .iter()
                .map(|extension| extension.number.clone())
                .collect(),
        })
    }
}

/// Last part of a path: what stands in the configuration file.
fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}
