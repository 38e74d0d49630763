//! Cells: one attack on one victim under one threat with one seed, over one split of a corpus.

use crate::digest;
use crate::plan::{Params, Plan, ThreatPlan};
use crate::threat::{Goal, Grants, Norm, TargetRule, Threat};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything that decides what a cell computes; the `cell` object of its record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellSpec {
    /// The attack.
    pub attack: AttackId,
    /// The victim that is judged.
    pub victim: VictimId,
    /// The victim that the oracle answers from, under a transfer threat.
    pub source: Option<VictimId>,
    /// The utterances.
    pub corpus: CorpusId,
    /// The threat.
    pub threat: Threat,
    /// The master seed.
    pub seed: u64,
}

/// Which attack, to the bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackId {
    /// Its name in the plan, unique there.
    pub name: String,
    /// The id that its plugin gives it.
    pub id: String,
    /// The version that its plugin states.
    pub version: String,
    /// SHA-256 of the plugin's file, hex.
    pub sha256: String,
    /// The preset that the plan chose.
    pub preset: Option<String>,
    /// All parameters as the attack got them: defaults, preset and plan merged.
    pub params: Params,
}

/// Which victim, to the bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VictimId {
    /// Its name in the plan, unique there.
    pub id: String,
    /// SHA-256 of the model's file, hex; of the plugin's where there is no model.
    pub sha256: String,
    /// The architecture that the model states.
    pub arch: Option<String>,
    /// The id that its plugin gives it.
    pub plugin: String,
    /// SHA-256 of the plugin's file, hex.
    pub plugin_sha256: String,
    /// All parameters as the victim got them.
    pub params: Params,
}

/// Which utterances, to the bit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusId {
    /// The loader's id.
    pub id: String,
    /// The split; `None`: all items.
    pub split: Option<String>,
    /// Items taken of the split, 0 = all.
    pub limit: usize,
    /// SHA-256 of the manifest, hex.
    pub manifest_sha256: String,
}

impl CellSpec {
    /// SHA-256 of the cell: equal for equal cells, whichever plan they stand in.
    pub fn key(&self) -> String {
        digest::sha256_of_json(self)
    }

    /// A readable file name that is unique to the cell: its parts and the first 8 digits of [`CellSpec::key`].
    pub fn id(&self) -> String {
        let threat: String = self.threat.slug().chars().map(file_name_char).take(96).collect();
        format!("{}--{}--{threat}--s{}--{}", self.attack.name, self.victim.id, self.seed, &self.key()[..8])
    }
}

fn file_name_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' }
}

/// What expansion needs to know of an attack; read from its plugin's descriptor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttackFacts {
    /// Which attack.
    pub identity: AttackId,
    /// What it must be able to ask.
    pub needs: Grants,
    /// Norms that it can be held to.
    pub norms: Vec<Norm>,
    /// Goals that it can pursue.
    pub goals: Vec<Goal>,
}

/// What expansion needs to know of a victim; read from its plugin once the model is loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VictimFacts {
    /// Which victim.
    pub identity: VictimId,
    /// The emotion of each logit.
    pub classes: Vec<String>,
    /// What it can answer.
    pub gives: Grants,
    /// Why it has no gradients, if it has none.
    pub gradient_note: Option<String>,
}

/// A cell of a plan, and why it does not run if it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCell {
    /// [`CellSpec::id`].
    pub id: String,
    /// What it computes.
    pub spec: CellSpec,
    /// The classes of its victim.
    pub classes: Vec<String>,
    /// Why it is skipped; `None`: it runs.
    pub skipped: Option<String>,
}

/// All cells of a plan, victims outermost, then threats, eps, attacks, seeds. Cells that two threats share come once.
///
/// `attacks` and `victims` are in the order of the plan.
pub fn expand(
    plan: &Plan,
    attacks: &[AttackFacts],
    victims: &[VictimFacts],
    corpus: &CorpusId,
) -> Vec<PlannedCell> {
    let mut cells = Vec::new();
    let mut known = BTreeSet::new();
    for victim in victims {
        for threat in plan.threats.iter().flat_map(ThreatPlan::at_each_eps) {
            for attack in attacks {
                for &seed in plan.seeds() {
                    let cell = plan_cell(attack, victim, victims, corpus, &threat, seed);
                    if known.insert(cell.spec.key()) {
                        cells.push(cell);
                    }
                }
            }
        }
    }
    cells
}

fn plan_cell(
    attack: &AttackFacts,
    victim: &VictimFacts,
    victims: &[VictimFacts],
    corpus: &CorpusId,
    threat: &Threat,
    seed: u64,
) -> PlannedCell {
    let source = threat.source.as_ref().and_then(|name| victims.iter().find(|v| v.identity.id == *name));
    let spec = CellSpec {
        attack: attack.identity.clone(),
        victim: victim.identity.clone(),
        source: source.map(|s| s.identity.clone()),
        corpus: corpus.clone(),
        threat: threat.clone(),
        seed,
    };
    let skipped = why_skipped(attack, victim, source, threat);
    PlannedCell { id: spec.id(), spec, classes: victim.classes.clone(), skipped }
}

fn why_skipped(
    attack: &AttackFacts,
    victim: &VictimFacts,
    source: Option<&VictimFacts>,
    threat: &Threat,
) -> Option<String> {
    let name = &attack.identity.name;
    if !attack.norms.contains(&threat.norm.ball()) {
        let norms = attack.norms.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
        return Some(format!("attack {name} is for {norms}, the threat is {}", threat.norm.as_str()));
    }
    if !attack.goals.contains(&threat.goal) {
        return Some(format!("attack {name} has no {} form", threat.goal.as_str()));
    }
    if let Some(TargetRule::Class(class)) = threat.target.as_ref().filter(|t| unknown_to(victim, t)) {
        return Some(format!("victim {} has no class {class}", victim.identity.id));
    }
    why_oracle_does_not_do(attack, source.unwrap_or(victim), threat)
        .or_else(|| source.and_then(|source| why_no_transfer(source, victim)))
}

fn unknown_to(victim: &VictimFacts, target: &TargetRule) -> bool {
    matches!(target, TargetRule::Class(class) if !victim.classes.contains(class))
}

fn why_oracle_does_not_do(attack: &AttackFacts, oracle: &VictimFacts, threat: &Threat) -> Option<String> {
    let name = &attack.identity.name;
    let denied = threat.access.grants().lacking(attack.needs);
    if denied != Grants::NONE {
        return Some(format!(
            "attack {name} needs {denied}, which {} access does not grant",
            threat.access.as_str()
        ));
    }
    let missing = (oracle.gives | Grants::DECISION).lacking(attack.needs);
    let note = oracle.gradient_note.as_ref().filter(|_| missing.contains(Grants::GRADIENT));
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    (missing != Grants::NONE).then(|| {
        format!("attack {name} needs {missing}, which victim {} does not give{note}", oracle.identity.id)
    })
}

fn why_no_transfer(source: &VictimFacts, victim: &VictimFacts) -> Option<String> {
    if source.identity == victim.identity {
        return Some("the source of the transfer is the victim itself".into());
    }
    (source.classes != victim.classes).then(|| {
        format!(
            "source {} has classes {}, victim {} has {}",
            source.identity.id,
            source.classes.join(", "),
            victim.identity.id,
            victim.classes.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn attack(name: &str, needs: Grants, norms: &[Norm], goals: &[Goal]) -> AttackFacts {
        let identity = AttackId {
            name: name.into(),
            id: name.into(),
            version: "1.0.0".into(),
            sha256: "a".repeat(64),
            preset: None,
            params: Params::new(),
        };
        AttackFacts { identity, needs, norms: norms.to_vec(), goals: goals.to_vec() }
    }

    fn victim(name: &str, classes: &[&str], gives: Grants) -> VictimFacts {
        let identity = VictimId {
            id: name.into(),
            sha256: digest::sha256_hex(name.as_bytes()),
            arch: None,
            plugin: "victim-onnx".into(),
            plugin_sha256: "c".repeat(64),
            params: Params::new(),
        };
        let gradient_note =
            (!gives.contains(Grants::GRADIENT)).then(|| "no gradient rule for op 'GRU'".into());
        VictimFacts {
            identity,
            classes: classes.iter().map(ToString::to_string).collect(),
            gives,
            gradient_note,
        }
    }

    fn corpus() -> CorpusId {
        CorpusId { id: "emodb".into(), split: Some("test".into()), limit: 0, manifest_sha256: "d".repeat(64) }
    }

    fn plan(threats: &str) -> Plan {
        let head = "name = \"t\"\nseeds = [1, 2]\n[corpus]\nid = \"emodb\"\n\
                    [[victim]]\nplugin = \"victim-onnx\"\nname = \"one\"\n\
                    [[victim]]\nplugin = \"victim-onnx\"\nname = \"two\"\n[[attack]]\nplugin = \"pgd\"\n";
        Plan::from_toml(&format!("{head}{threats}")).unwrap()
    }

    const ALL: Grants = Grants(7);

    fn skip_reasons(threats: &str, attack: &AttackFacts, victims: &[VictimFacts]) -> Vec<String> {
        let cells = expand(&plan(threats), std::slice::from_ref(attack), victims, &corpus());
        cells.into_iter().filter_map(|c| c.skipped).collect()
    }

    #[test]
    fn cells_are_the_product_and_their_ids_are_distinct_file_names() {
        let threats = "[[threat]]\naccess = \"white-box\"\nnorm = \"linf\"\neps = [0.001, 0.002]\n\
                       [[threat]]\naccess = \"white-box\"\nnorm = \"linf\"\neps = [0.002, 0.005]\n";
        let pgd = attack("pgd", Grants::GRADIENT, &[Norm::Linf], &[Goal::Untargeted]);
        let victims = [victim("one", &["a", "b"], ALL), victim("two", &["a", "b"], ALL)];
        let cells = expand(&plan(threats), &[pgd], &victims, &corpus());
        assert_eq!(cells.len(), 2 * 3 * 2, "0.002 stands in two threats and comes once");
        let ids: BTreeSet<_> = cells.iter().map(|c| c.id.clone()).collect();
        assert_eq!(ids.len(), cells.len());
        assert!(
            cells[0].id.starts_with("pgd--one--white-box-linf-0.001-untargeted--s1--"),
            "{}",
            cells[0].id
        );
        assert!(ids.iter().all(|id| id.len() < 200 && id.chars().all(|c| file_name_char(c) == c)));
    }

    #[test]
    fn the_key_holds_every_part_of_the_cell() {
        let pgd = attack("pgd", Grants::GRADIENT, &[Norm::Linf], &[Goal::Untargeted]);
        let threats = "[[threat]]\naccess = \"white-box\"\nnorm = \"linf\"\neps = 0.001\n";
        let cell =
            expand(&plan(threats), &[pgd], &[victim("one", &["a", "b"], ALL)], &corpus()).remove(0).spec;
        let changes: [fn(&mut CellSpec); 7] = [
            |c| c.attack.sha256.push('0'),
            |c| c.attack.preset = Some("strong".into()),
            |c| c.victim.sha256.push('0'),
            |c| c.corpus.manifest_sha256.push('0'),
            |c| c.corpus.limit = 1,
            |c| c.threat.queries += 1,
            |c| c.seed += 1,
        ];
        let mut keys = BTreeSet::from([cell.key()]);
        for change in changes {
            let mut other = cell.clone();
            change(&mut other);
            assert!(keys.insert(other.key()), "{other:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_skipped_with_a_reason() {
        let two = [victim("one", &["a", "b"], ALL), victim("two", &["a", "b"], ALL)];
        let no_gradients = [victim("one", &["a", "b"], Grants::LOGITS | Grants::DECISION)];
        let other_classes = [victim("one", &["a", "b"], ALL), victim("two", &["a", "c"], ALL)];
        let pgd = attack("pgd", Grants::GRADIENT, &[Norm::Linf, Norm::L2], &[Goal::Untargeted]);
        let both = attack("both", Grants::GRADIENT, &[Norm::Linf], &[Goal::Untargeted, Goal::Targeted]);
        let threat =
            |access: &str, rest: &str| format!("[[threat]]\naccess = \"{access}\"\neps = 0.5\n{rest}\n");
        let linf = "norm = \"linf\"";
        let to = |class: &str| format!("norm = \"linf\"\ngoal = \"targeted\"\ntarget = \"{class}\"");
        let transfer = format!("{linf}\nsource = \"one\"");
        for (threats, attack, victims, expected) in [
            (
                threat("score", linf),
                &pgd,
                &two[..],
                "attack pgd needs gradients, which score access does not grant",
            ),
            (
                threat("white-box", linf),
                &pgd,
                &no_gradients,
                "victim one does not give: no gradient rule for op 'GRU'",
            ),
            (
                threat("white-box", "norm = \"l1\""),
                &pgd,
                &two,
                "attack pgd is for linf, l2, the threat is l1",
            ),
            (
                threat("white-box", "norm = \"snr\""),
                &both,
                &two,
                "attack both is for linf, the threat is snr",
            ),
            (threat("white-box", &to("a")), &pgd, &two, "attack pgd has no targeted form"),
            (threat("white-box", &to("c")), &both, &two, "victim one has no class c"),
            (threat("transfer", &transfer), &pgd, &two, "the source of the transfer is the victim itself"),
            (
                threat("transfer", &transfer),
                &pgd,
                &other_classes,
                "source one has classes a, b, victim two has a, c",
            ),
        ] {
            let reasons = skip_reasons(&threats, attack, victims);
            assert!(reasons.iter().any(|r| r.contains(expected)), "{expected}: {reasons:?}");
        }
    }

    #[test]
    fn what_fits_runs() {
        let victims = [victim("one", &["a", "b"], ALL), victim("two", &["a", "b"], ALL)];
        let noise = attack("noise", Grants::NONE, &[Norm::Linf, Norm::L2], &[Goal::Untargeted]);
        for access in ["white-box", "score", "decision"] {
            let threats = format!("[[threat]]\naccess = \"{access}\"\nnorm = \"snr\"\neps = 30\n");
            assert!(skip_reasons(&threats, &noise, &victims).is_empty());
        }
        let threats = "[[threat]]\naccess = \"transfer\"\nsource = \"one\"\nnorm = \"linf\"\neps = 0.01\n";
        assert_eq!(skip_reasons(threats, &noise, &victims).len(), 2, "one per seed, on the source alone");
    }
}
