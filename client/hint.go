package client

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Setting is a setting of the exporter that a hint speaks of, as the configuration file spells it.
type Setting string

// The settings that hints speak of.
const (
	SettingURL             Setting = "url"
	SettingUserID          Setting = "user_id"
	SettingTokenFile       Setting = "auth_token_file"
	SettingTimeout         Setting = "timeout"
	SettingMinInterval     Setting = "min_interval"
	SettingFileData        Setting = "file_data"
	SettingFileDataTimeout Setting = "file_data_timeout"
	SettingHTTP            Setting = "http_config"
)

// Hint says what to do about a failure. It is comparable with ==.
type Hint struct {
	met    met
	detail string // takes the place of %s
}

// Key names what was met, in one word: the key of a row in the table of hints.
func (h Hint) Key() string { return string(h.met) }

// Words returns the hint as a text. name returns what its reader calls a setting: a flag, or a key
// of the configuration file. The hint itself names neither.
func (h Hint) Words(name func(Setting) string) string {
	words := os.Expand(findings[h.met].hint, func(setting string) string { return name(Setting(setting)) })
	return strings.Replace(words, "%s", h.detail, 1)
}

// met is what a call met in place of a usable answer: the key of a row of findings.
type met string

const (
	credentials      met = "credentials"
	twoFactor        met = "two_factor"
	permission       met = "permission"
	noImport         met = "no_import"
	limited          met = "limited"
	refused          met = "refused"
	failing          met = "failing"
	wrongPath        met = "wrong_path"
	wrongPathPage    met = "wrong_path_page"
	unknownRoute     met = "unknown_route"
	unknownPage      met = "unknown_page"
	unknownForm      met = "unknown_form"
	frontLimited     met = "front_limited"
	frontBasic       met = "front_basic_auth"
	frontBasicBad    met = "front_basic_auth_wrong"
	frontProxy       met = "front_proxy_credentials"
	frontRefused     met = "front_refused"
	frontNotFound    met = "front_not_found"
	frontHTTPS       met = "front_https"
	frontClient      met = "front_client_certificate"
	frontOther       met = "front_other"
	frontFailing     met = "front_failing"
	frontPage        met = "front_page"
	notTheAPI        met = "not_the_api"
	cached           met = "cached"
	redirectHTTPS    met = "redirect_https"
	redirectURL      met = "redirect_url"
	redirectPage     met = "redirect_page"
	redirectLoop     met = "redirect_loop"
	noAnswer         met = "no_answer"
	noSelection      met = "no_selection"
	undelivered      met = "undelivered"
	noName           met = "no_name"
	noConnection     met = "no_connection"
	noProxy          met = "no_proxy"
	closedEarly      met = "closed_early"
	stoodStill       met = "stood_still"
	slowLook         met = "slow_look"
	instances        met = "instances"
	older            met = "older"
	unknownHost      met = "unknown_host"
	broken           met = "broken"
	proxyFailed      met = "proxy"
	proxyCredentials met = "proxy_credentials"
	tlsFailed        met = "tls"
	tlsRefused       met = "tls_refused"
	tlsClient        met = "tls_client_certificate"
	tlsPlain         met = "tls_plain_http"
	tlsExpected      met = "tls_expected"
	badTokenFile     met = "token_file"
	settingsFailed   met = "settings"
)

// finding is a row of the table of what a call can meet.
type finding struct {
	reason Reason
	cause  string // what the error says, unless it has more to say
	hint   string // ${name} is a setting, %s what the row leaves open
}

const (
	tryWithoutPath = "Try ${url} without its path: the exporter adds " + apiPath + " itself. From 7.0 on, Rocket.Chat answers below a path only if the proxy in front of it removes the path. Or Rocket.Chat is older than 3.0, and has no import API."
	olderThan3     = "Rocket.Chat is older than 3.0 and has no import API, or a proxy in front of it changes the path."
	proxyPassword  = "The proxy asks for credentials: put a user name and a password into proxy_url in ${http_config}, or into the variable HTTP_PROXY or HTTPS_PROXY."
	wantsHTTPS     = "Use https in ${url}: this port does not speak plain http."
	clientKey      = "The server wants a client certificate that it trusts: set or correct cert_file and key_file of tls_config in ${http_config}."
	fixFront       = "Allow the exporter to call " + apiPath + " there. Nothing is known about the token and the permission."
)

// findings is the one table of what a call can meet, and of what to do then.
var findings = map[met]finding{
	// Rocket.Chat itself answered.
	credentials: {Unauthorized, "the user id or the token was not accepted",
		"Check the user id and the personal access token. The id is not the user name: it mostly has 17 letters and digits. Create a new token if it was removed or has expired."},
	twoFactor: {Unauthorized, "the token needs a two-factor code",
		"Create the personal access token with \"Ignore Two Factor Authentication\"."},
	permission: {Forbidden, "the user lacks a permission",
		"Give the exporter's user a role that has the permission run-import."},
	limited: {RateLimited, "too many calls",
		"Wait a minute. If it happens again, scrape less often, raise ${min_interval}, or give the user's role the permission api-bypass-rate-limit."},
	noImport:      {HTTPStatus, ErrNoOperation.Error(), "Nothing is to be done: the selection can be read once there is an import."},
	refused:       {HTTPStatus, "Rocket.Chat refused the call", "Rocket.Chat's own words say why, if it gave any. Its log may say more."},
	failing:       {HTTPStatus, "Rocket.Chat failed", "Rocket.Chat is failing: check its log."},
	wrongPath:     {HTTPStatus, "Rocket.Chat has no API at this path", tryWithoutPath},
	wrongPathPage: {Decode, "Rocket.Chat answered with a web page, since it has no API at this path", tryWithoutPath},
	unknownRoute:  {HTTPStatus, "Rocket.Chat does not have this endpoint", olderThan3},
	unknownPage:   {Decode, "Rocket.Chat answered with a web page, since it does not have this endpoint", olderThan3},
	unknownForm:   {Decode, "", "Rocket.Chat answered in a form that the exporter does not know: look for a newer version of the exporter."},

	// Something in front of Rocket.Chat answered.
	frontLimited:  {RateLimited, "too many calls", "Something in front of Rocket.Chat limits the calls: scrape less often, raise ${min_interval}, or allow more calls there."},
	frontBasic:    {HTTPStatus, "", "Something in front of Rocket.Chat asks for a user name and a password: set basic_auth in ${http_config}."},
	frontBasicBad: {HTTPStatus, "", "Something in front of Rocket.Chat does not accept the user name and the password: correct basic_auth in ${http_config}."},
	frontProxy:    {HTTPStatus, "", proxyPassword},
	frontRefused:  {HTTPStatus, "", "Something in front of Rocket.Chat refused the call, such as a proxy or a firewall. " + fixFront},
	frontNotFound: {HTTPStatus, "", "Something in front of Rocket.Chat answered, or Rocket.Chat is older than 3.0: check the proxy, and ${url} with its path. The exporter adds " + apiPath + " itself. Nothing else was called, because getImportFileData could wipe a running import."},
	frontHTTPS:    {HTTPStatus, "", wantsHTTPS},
	frontClient:   {HTTPStatus, "", clientKey},
	frontOther:    {HTTPStatus, "", "Something in front of Rocket.Chat answered, such as a proxy or a firewall: check its log. " + fixFront},
	frontFailing:  {HTTPStatus, "", "Rocket.Chat or the proxy in front of it is failing or restarting: check their logs."},
	frontPage:     {Decode, "the answer is a web page", "Check that ${url} leads to Rocket.Chat and not to a login or error page."},
	notTheAPI:     {Decode, "", "This is not what Rocket.Chat's API answers: check that ${url} leads to it and not to a login or error page."},
	cached:        {Outdated, "a cache answered, and its answer may be outdated", "Exclude " + apiPath + " from the cache in front of Rocket.Chat."},
	older: {Outdated, "the answer is older than one that came before it",
		"An instance of Rocket.Chat reads from a database that lags behind, or a cache answered. If it is the database, set ${file_data} to never."},

	// A redirect.
	redirectHTTPS: {Redirect, notFollowed, "Use https: set ${url} to %s."},
	redirectURL:   {Redirect, notFollowed, "Configure the URL that the redirect leads to: %s"},
	redirectPage:  {Redirect, notFollowed, "The redirect leads to another page at %s, such as a login: allow the exporter to call the API directly, or configure the URL of the workspace there."},
	redirectLoop:  {Redirect, notFollowed, "Something in front of Rocket.Chat answers: allow the exporter to call the API directly."},

	// There was no answer, or half of one.
	noAnswer:         {Timeout, "no answer", "Rocket.Chat did not answer in time: check its load, or raise ${timeout}."},
	noSelection:      {Timeout, "no answer", "Rocket.Chat builds a large selection slowly: check its load, or raise ${file_data_timeout}."},
	undelivered:      {Timeout, "nobody acknowledged the request within a second of the look", "The network loses what the exporter sends: check the way to Rocket.Chat."},
	noName:           {Timeout, "the host name was not resolved", "Check the host name in ${url}, and the name servers of this machine."},
	noConnection:     {Timeout, "no connection", "Nothing took the connection: check the host and the port in ${url}, and the firewalls on the way."},
	noProxy:          {Proxy, "no connection through the proxy", "Check the proxy, and whether it can reach Rocket.Chat."},
	unknownHost:      {Connection, "", "Check the host name in ${url}, and the name servers of this machine."},
	broken:           {Connection, "", "Check that Rocket.Chat is running and that the host and port of ${url} can be reached from here."},
	proxyFailed:      {Proxy, "", "The forward proxy did not connect to Rocket.Chat: check proxy_url in ${http_config} or the variable HTTP_PROXY or HTTPS_PROXY, and whether the proxy lets the exporter through. NO_PROXY lists hosts that need no proxy."},
	proxyCredentials: {Proxy, "", proxyPassword},
	tlsFailed:        {TLS, "", "Check the certificate and the host name in ${url}. Configure a private CA as ca_file of tls_config in ${http_config}."},
	tlsRefused:       {TLS, "", "The server ended the handshake. It may want a client certificate (cert_file and key_file of tls_config in ${http_config}) or another version of TLS."},
	tlsClient:        {TLS, "", clientKey},
	tlsPlain:         {TLS, "", "This port does not speak TLS: check the port in ${url}, or use http there."},
	tlsExpected:      {TLS, "", wantsHTTPS},

	// The selection was not asked for: somebody may have pressed start since the look.
	closedEarly: {Connection, "the connection was closed after the look",
		"Something in front of Rocket.Chat closes each connection after one answer: let it keep connections open."},
	stoodStill: {Timeout, "the look was asked more than a second ago",
		"The exporter, its machine or the network stood still for a moment: check their load."},
	slowLook: {Timeout, "the look took more than a quarter of a second",
		"Rocket.Chat or the way to it is slow: check its load, and run the exporter near it."},
	instances: {Connection, "several instances of Rocket.Chat answer",
		"Point ${url} at one instance, past the load balancer."},

	// Nothing was sent: the fault is on this machine.
	badTokenFile:   {Settings, "", "Write the token into the file of ${auth_token_file}, and make it readable for the exporter."},
	settingsFailed: {Settings, "", "Correct ${http_config}, and make the files that it names readable for the exporter."},
}

// fail returns the error of a call. Its cause is err, or what the table says if err is nil.
func (x *exchange) fail(met met, err error) *Error {
	row := findings[met]
	if err == nil {
		err = errors.New(row.cause)
	}
	return &Error{Endpoint: x.call.Endpoint, Status: x.call.Status, Reason: row.reason, Hint: Hint{met: met}, err: err}
}

const notFollowed = "redirects are not followed, because the token would go to another address"

// OlderAnswer returns the error of an answer that is older than one that came before it.
func OlderAnswer() *Error {
	return (&exchange{call: Call{Endpoint: EndpointCurrentOperation, Status: 200}}).fail(older, nil)
}

// SlowLook returns the error of a read that is not sent because its look took too long.
func SlowLook() error { return notSent(slowLook) }

// SeveralInstances returns the error of a read that is not sent because several instances answer.
func SeveralInstances() error { return notSent(instances) }

func notSent(met met) error {
	x := exchange{call: Call{Endpoint: EndpointFileData}}
	return fmt.Errorf("%w: %w", ErrNotSent, x.fail(met, nil))
}
