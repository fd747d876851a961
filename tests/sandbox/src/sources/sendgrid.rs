//! SendGrid. Its errors have no codes: what stands for one here is the field that an error names.

use super::Source::{Guess, Page, Sdk, Spec};
use super::{EVERY_OPERATION, Entry, answer, events, refusal};

/// The specification has the status and the shape; which field is named for what is not in it.
const FIELD: super::Source = Guess("the status is in the specification; the field's name follows the request's");

pub(super) const LIST: &[Entry] = &[
    answer("mail_send", 202, Spec("sendgrid_mail_v3.json: SendMail")),
    answer("mail_send", 200, Guess("in sandbox mode: seen in other people's tests only")),
    answer("create_batch", 201, Spec("sendgrid_mail_v3.json: CreateMailBatch")),
    answer("retrieve_batch", 200, Spec("sendgrid_mail_v3.json: GetMailBatch")),
    answer("stop_batch", 201, Spec("sendgrid_scheduled_sends_v3.json: CreateScheduledSend")),
    answer("list_stops", 200, Spec("sendgrid_scheduled_sends_v3.json: ListScheduledSend")),
    answer("update_stop resume_batch", 204, Spec("sendgrid_scheduled_sends_v3.json: Update-, DeleteScheduledSend")),
    answer("create_template create_version", 201, Spec("sendgrid_templates_v3.json")),
    answer("retrieve_template list_templates", 200, Spec("sendgrid_templates_v3.json")),
    answer("create_key", 201, Page("github.com/twilio/sendgrid-oai, spec/json/tsg_api_keys_v3.json: CreateApiKey")),
    answer("list_keys", 200, Page("github.com/twilio/sendgrid-oai, spec/json/tsg_api_keys_v3.json: ListApiKey")),
    answer("delete_key", 204, Page("github.com/twilio/sendgrid-oai, spec/json/tsg_api_keys_v3.json: DeleteApiKey")),
    answer("scopes", 200, Page("docs.sendgrid.com/api-reference/api-key-permissions: GET /v3/scopes")),
    refusal("create_key", 400, "name", Page("github.com/twilio/sendgrid-oai, spec/json/tsg_api_keys_v3.json")),
    refusal("delete_key", 404, "", Page("github.com/twilio/sendgrid-oai, spec/json/tsg_api_keys_v3.json")),
    answer("stats", 200, Spec("sendgrid_stats_v3.json: GetStat")),
    refusal("mail_send", 400, "", Spec("sendgrid_mail_v3.json: ErrorResponse, whose field may be null")),
    refusal(
        "mail_send",
        400,
        "batch_id content content.value from.email headers personalizations personalizations.to personalizations.to.email personalizations.to.name \
         personalizations.send_at personalizations.substitutions personalizations.dynamic_template_data \
         personalizations.custom_args reply_to.email send_at subject template_id categories",
        FIELD,
    ),
    refusal("create_template create_version", 400, "name subject", FIELD),
    refusal("list_templates", 400, "page_size", FIELD),
    refusal("retrieve_batch", 400, "batch_id", FIELD),
    refusal("stop_batch", 400, "status", FIELD),
    refusal(
        "stop_batch",
        400,
        "batch_id",
        Page("twilio.com/docs/sendgrid/api-reference/cancel-scheduled-sends: not later than ten minutes before"),
    ),
    refusal("stop_batch", 400, "", Page("docs.sendgrid.com on canceled sends: ten at a time at most")),
    refusal("stats", 400, "start_date end_date aggregated_by", FIELD),
    refusal("update_stop resume_batch", 404, "", Spec("sendgrid_scheduled_sends_v3.json")),
    refusal("create_version retrieve_template", 404, "", Guess("not in the specification of templates")),
    refusal("mail_send", 413, "", Spec("sendgrid_mail_v3.json: SendMail")),
    refusal("mail_send", 415, "", Guess("a body that is no JSON; not in the specification")),
    refusal("unknown", 404, "", Spec("sendgrid_mail_v3.json")),
    refusal("unknown", 405, "", Spec("sendgrid_mail_v3.json")),
    refusal(EVERY_OPERATION, 401, "", Spec("sendgrid_mail_v3.json")),
    refusal(EVERY_OPERATION, 403, "", Spec("sendgrid_mail_v3.json")),
    refusal(EVERY_OPERATION, 429, "", Page("docs.sendgrid.com on rate limits")),
    refusal(EVERY_OPERATION, 500, "", Spec("sendgrid_mail_v3.json")),
    refusal(EVERY_OPERATION, 503, "", Guess("not in the specification")),
    refusal(EVERY_OPERATION, 503, "page", Guess("what stands in front of the API has no JSON")),
    refusal(EVERY_OPERATION, 500, "page", Guess("what stands in front of the API has no JSON")),
    refusal(
        EVERY_OPERATION,
        403,
        "page",
        Guess("the status is the vendor's; that it can come without JSON is believed"),
    ),
    refusal(EVERY_OPERATION, 400, "page", Guess("what stands in front of the API has no JSON")),
    refusal(EVERY_OPERATION, 409, "page", Guess("no vendor's word; a schedule gives it to every vendor")),
    events(
        "processed dropped delivered deferred open click spamreport unsubscribe group_unsubscribe group_resubscribe \
         bounce/bounce bounce/blocked",
        Sdk("sendgrid-nodejs docs/examples/webhooks-docker; sendgrid_webhooks_v3.json"),
    ),
];
