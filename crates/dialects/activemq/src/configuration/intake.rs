//! What changes messages as they come in: plugins, and the user who is told.

use ternmq_broker::Intake;
use ternmq_configuration::activemq_service::Settings;

pub(super) fn of(settings: &Settings) -> Intake {
    // The user's name and the authenticated principal's are one here.
    let tells_user = settings.broker().truth("populateJMSXUserID").unwrap_or(false);
    let mut intake = Intake { tells_user, ..Intake::default() };
    for plugin in settings.plugins() {
        let ms = |name: &str| plugin.whole(name).and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
        match plugin.name() {
            "forcePersistencyModeBrokerPlugin" => {
                intake.is_durable = Some(plugin.truth("persistenceFlag").unwrap_or(false));
            }
            "timeStampingBrokerPlugin" => {
                intake.stamps = true;
                intake.is_later_only = plugin.truth("futureOnly").unwrap_or(false);
                intake.most_ttl_ms = ms("ttlCeiling");
                intake.ttl_of_none_ms = ms("zeroExpirationOverride");
            }
            _ => {}
        }
    }
    intake
}
