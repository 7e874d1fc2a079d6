package retention

// A Category names the rule that a record is kept by. It is what store.Record.Category holds. Hosts may add their own
// next to the ones below; a policy must then have a rule for them.
type Category string

// The categories that the engine writes.
const (
	// GatewayLog holds every delivery to a webhook, a mailhook or a device hook.
	GatewayLog Category = "gateway_log"
	// Confidential holds deliveries to confidential scenarios, with the keys that seal them, until their run has ended:
	// they never become passive. A policy needs no rule for it, see Policy.Rule.
	Confidential Category = "confidential"
	// Incomplete holds runs that failed and wait to be resumed: the dead letter queue.
	Incomplete Category = "incomplete"
	// Notification holds what users were told about their executions.
	Notification Category = "notification"
	// Activity holds the activity stream: the log of a scenario's executions.
	Activity Category = "activity"
	// ExecutionDetail holds the bundles that each module of an execution took and gave.
	ExecutionDetail Category = "execution_detail"
	// DatastoreRecord holds entries of data stores.
	DatastoreRecord Category = "datastore_record"
	// Connection holds the credentials of connections to other services.
	Connection Category = "connection"
	// Scenario holds what users configured: scenarios, hooks, data stores and their settings.
	Scenario Category = "scenario"
	// Account holds what a user registered with: e-mail address, name, password hash.
	Account Category = "account"
	// Access holds the access history: sign-ins and administrative acts, with their addresses.
	Access Category = "access"
	// Key holds wrapped keys. They end by being destroyed, never by time, so a policy has no periods for them.
	Key Category = "key"
	// Subject holds what leads from the identifiers of people to their records, and what remembers whose keys were destroyed. The
	// former ends with the last record that names the person, the latter stays, so a policy has no periods for them.
	Subject Category = "subject"
)

// A Role says in which role the host answers for a category's data under the GDPR.
type Role string

const (
	// Controller decides why and how the data is processed: GDPR article 4(7).
	Controller Role = "controller"
	// Processor processes the data for a controller, on its instructions: articles 4(8) and 28.
	Processor Role = "processor"
	// Joint decides together with others: article 26.
	Joint Role = "joint"
)
