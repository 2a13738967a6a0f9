package client

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Hint says what to do about a failure. It is comparable with ==.
type Hint struct {
	met    finding
	detail string // takes the place of %s
}

// Key names what was met, in one word: the key of a row in the table of hints.
func (h Hint) Key() string { return h.met.key }

// Words returns the hint as a text. name takes the key of a setting in the configuration file, and
// returns what the hint's reader calls it: a flag, or that key.
func (h Hint) Words(name func(key string) string) string {
	return strings.Replace(os.Expand(h.met.hint, name), "%s", h.detail, 1)
}

// finding is a row of the table of what a call can meet in place of a usable answer.
type finding struct {
	key    string // one word
	reason Reason
	cause  string // what the error says, unless it has more to say
	hint   string // ${key} is a setting, %s what the row leaves open
}

const (
	tryWithoutPath = "Try ${url} without its path: the exporter adds " + apiPath + " itself. From 7.0 on, Rocket.Chat answers below a path only if the proxy in front of it removes the path. Or Rocket.Chat is older than 3.0, and has no import API."
	olderThan3     = "Rocket.Chat is older than 3.0 and has no import API, or a proxy in front of it changes the path."
	proxyPassword  = "The proxy asks for credentials: put a user name and a password into proxy_url in ${http_config}, or into the variable HTTP_PROXY or HTTPS_PROXY."
	wantsHTTPS     = "Use https in ${url}: this port does not speak plain http."
	clientKey      = "The server wants a client certificate that it trusts: set or correct cert_file and key_file of tls_config in ${http_config}."
	fixFront       = "Allow the exporter to call " + apiPath + " there. Nothing is known about the token and the permission."
)

// The one table of what a call can meet, and of what to do then.
var (
	// Rocket.Chat itself answered.
	credentials = finding{"credentials", Unauthorized, "the user id or the token was not accepted",
		"Check the user id and the personal access token. The id is not the user name: it mostly has 17 letters and digits. Create a new token if it was removed or has expired."}
	twoFactor = finding{"two_factor", Unauthorized, "the token needs a two-factor code",
		"Create the personal access token with \"Ignore Two Factor Authentication\"."}
	permission = finding{"permission", Forbidden, "the user lacks a permission",
		"Give the exporter's user a role that has the permission run-import."}
	limited = finding{"limited", RateLimited, "too many calls",
		"%sWait a minute. If it happens again, scrape less often, raise ${min_interval}, or give the user's role the permission api-bypass-rate-limit."}
	noImport      = finding{"no_import", HTTPStatus, ErrNoOperation.Error(), "Nothing is to be done: the selection can be read once there is an import."}
	refused       = finding{"refused", HTTPStatus, "Rocket.Chat refused the call", "Rocket.Chat's own words say why, if it gave any. Its log may say more."}
	failing       = finding{"failing", HTTPStatus, "Rocket.Chat failed", "Rocket.Chat is failing: check its log."}
	wrongPath     = finding{"wrong_path", HTTPStatus, "Rocket.Chat has no API at this path", tryWithoutPath}
	wrongPathPage = finding{"wrong_path_page", Decode, "Rocket.Chat answered with a web page, since it has no API at this path", tryWithoutPath}
	unknownRoute  = finding{"unknown_route", HTTPStatus, "Rocket.Chat does not have this endpoint", olderThan3}
	unknownPage   = finding{"unknown_page", Decode, "Rocket.Chat answered with a web page, since it does not have this endpoint", olderThan3}
	unknownForm   = finding{"unknown_form", Decode, "", "Rocket.Chat answered in a form that the exporter does not know: look for a newer version of the exporter."}

	// Something in front of Rocket.Chat answered.
	frontLimited  = finding{"front_limited", RateLimited, "too many calls", "Something in front of Rocket.Chat limits the calls: scrape less often, raise ${min_interval}, or allow more calls there."}
	frontBasic    = finding{"front_basic_auth", HTTPStatus, "", "Something in front of Rocket.Chat asks for a user name and a password: set basic_auth in ${http_config}."}
	frontBasicBad = finding{"front_basic_auth_wrong", HTTPStatus, "", "Something in front of Rocket.Chat does not accept the user name and the password: correct basic_auth in ${http_config}."}
	frontProxy    = finding{"front_proxy_credentials", HTTPStatus, "", proxyPassword}
	frontRefused  = finding{"front_refused", HTTPStatus, "", "Something in front of Rocket.Chat refused the call, such as a proxy or a firewall. " + fixFront}
	frontNotFound = finding{"front_not_found", HTTPStatus, "", "Something in front of Rocket.Chat answered, or Rocket.Chat is older than 3.0: check the proxy, and ${url} with its path. The exporter adds " + apiPath + " itself. Nothing else was called, because getImportFileData could wipe a running import."}
	frontHTTPS    = finding{"front_https", HTTPStatus, "", wantsHTTPS}
	frontClient   = finding{"front_client_certificate", HTTPStatus, "", clientKey}
	frontOther    = finding{"front_other", HTTPStatus, "", "Something in front of Rocket.Chat answered, such as a proxy or a firewall: check its log. " + fixFront}
	frontFailing  = finding{"front_failing", HTTPStatus, "", "Rocket.Chat or the proxy in front of it is failing or restarting: check their logs."}
	frontPage     = finding{"front_page", Decode, "the answer is a web page", "Check that ${url} leads to Rocket.Chat and not to a login or error page."}
	notTheAPI     = finding{"not_the_api", Decode, "", "This is not what Rocket.Chat's API answers: check that ${url} leads to it and not to a login or error page."}
	cached        = finding{"cached", Outdated, "a cache answered, and its answer may be outdated", "Exclude " + apiPath + " from the cache in front of Rocket.Chat."}
	older         = finding{"older", Outdated, "the answer is older than one that came before it",
		"An instance of Rocket.Chat reads from a database that lags behind, or a cache answered. If it is the database, set ${file_data} to never."}

	// A redirect.
	redirectHTTPS = finding{"redirect_https", Redirect, notFollowed, "Use https: set ${url} to %s."}
	redirectURL   = finding{"redirect_url", Redirect, notFollowed, "Configure the URL that the redirect leads to: %s"}
	redirectPage  = finding{"redirect_page", Redirect, notFollowed, "The redirect leads to another page at %s, such as a login: allow the exporter to call the API directly, or configure the URL of the workspace there."}
	redirectLoop  = finding{"redirect_loop", Redirect, notFollowed, "Something in front of Rocket.Chat answers: allow the exporter to call the API directly."}

	// There was no answer, or half of one.
	noAnswer         = finding{"no_answer", Timeout, "no answer", "Rocket.Chat did not answer in time: check its load, or raise ${timeout}."}
	noSelection      = finding{"no_selection", Timeout, "no answer", "Rocket.Chat builds a large selection slowly: check its load, or raise ${file_data_timeout}."}
	undelivered      = finding{"undelivered", Timeout, "nobody acknowledged the request within a second of the look", "The network loses what the exporter sends: check the way to Rocket.Chat."}
	noName           = finding{"no_name", Timeout, "the host name was not resolved", "Check the host name in ${url}, and the name servers of this machine."}
	noConnection     = finding{"no_connection", Timeout, "no connection", "Nothing took the connection: check the host and the port in ${url}, and the firewalls on the way."}
	noProxy          = finding{"no_proxy", Proxy, "no connection through the proxy", "Check the proxy, and whether it can reach Rocket.Chat."}
	unknownHost      = finding{"unknown_host", Connection, "", "Check the host name in ${url}, and the name servers of this machine."}
	broken           = finding{"broken", Connection, "", "Check that Rocket.Chat is running and that the host and port of ${url} can be reached from here."}
	proxyFailed      = finding{"proxy", Proxy, "", "The forward proxy did not connect to Rocket.Chat: check proxy_url in ${http_config} or the variable HTTP_PROXY or HTTPS_PROXY, and whether the proxy lets the exporter through. NO_PROXY lists hosts that need no proxy."}
	proxyCredentials = finding{"proxy_credentials", Proxy, "", proxyPassword}
	tlsFailed        = finding{"tls", TLS, "", "Check the certificate and the host name in ${url}. Configure a private CA as ca_file of tls_config in ${http_config}."}
	tlsRefused       = finding{"tls_refused", TLS, "", "The server ended the handshake. It may want a client certificate (cert_file and key_file of tls_config in ${http_config}) or another version of TLS."}
	tlsClient        = finding{"tls_client_certificate", TLS, "", clientKey}
	tlsPlain         = finding{"tls_plain_http", TLS, "", "This port does not speak TLS: check the port in ${url}, or use http there."}
	tlsExpected      = finding{"tls_expected", TLS, "", wantsHTTPS}

	// The selection was not asked for: somebody may have pressed start since the look.
	closedEarly = finding{"closed_early", Connection, "the connection was closed after the look",
		"Something in front of Rocket.Chat closes each connection after one answer: let it keep connections open."}
	stoodStill = finding{"stood_still", Timeout, "the look was asked more than a second ago",
		"The exporter, its machine or the network stood still for a moment: check their load."}
	slowLook = finding{"slow_look", Timeout, "the look took more than a quarter of a second",
		"Rocket.Chat or the way to it is slow: check its load, and run the exporter near it."}
	instances = finding{"instances", Connection, "several instances of Rocket.Chat answer",
		"Point ${url} at one instance, past the load balancer."}

	// Nothing was sent: the fault is on this machine.
	badTokenFile   = finding{"token_file", Settings, "", "Write the token into the file of ${auth_token_file}, and make it readable for the exporter."}
	settingsFailed = finding{"settings", Settings, "", "Correct ${http_config}, and make the files that it names readable for the exporter."}
)

// fail returns the error of a call. Its cause is err, or what the table says if err is nil.
func (x *exchange) fail(met finding, err error) *Error {
	if err == nil {
		err = errors.New(met.cause)
	}
	return &Error{Endpoint: x.call.Endpoint, Status: x.call.Status, Reason: met.reason, Hint: Hint{met: met}, err: err}
}

const notFollowed = "redirects are not followed, because the token would go to another address"

// What is found wrong with answers that are usable by themselves.
var (
	// ErrOlderAnswer is the [*Error] of an answer that is older than one that came before it.
	ErrOlderAnswer error = (&exchange{call: Call{Endpoint: EndpointCurrentOperation, Status: 200}}).fail(older, nil)
	// ErrSlowLook and ErrSeveralInstances say why a read was not sent: its look took too long, or
	// several instances answer. They wrap [ErrNotSent] and an [*Error].
	ErrSlowLook         = (&exchange{call: Call{Endpoint: EndpointFileData}}).notSent(slowLook)
	ErrSeveralInstances = (&exchange{call: Call{Endpoint: EndpointFileData}}).notSent(instances)
)

// notSent returns the error of a read that was not written, or only in part.
func (x *exchange) notSent(met finding) error {
	return fmt.Errorf("%w: %w", ErrNotSent, x.fail(met, nil))
}
