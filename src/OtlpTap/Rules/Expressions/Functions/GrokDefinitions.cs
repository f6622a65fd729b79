using System.Collections.Frozen;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// The parts that grok patterns are commonly made of. Names and meaning are those of the grok family
/// (https://github.com/elastic/go-grok#default-patterns), written for Go's regular expressions, which have no look-around.
/// </summary>
internal static class GrokDefinitions
{
    private const string Octet = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)";
    private const string Group = "[0-9A-Fa-f]{1,4}";
    private const string Label = "(?:[0-9A-Za-z][0-9A-Za-z-]{0,62})";

    public static FrozenDictionary<string, string> All { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["WORD"] = @"\b\w+\b",
        ["NOTSPACE"] = @"\S+",
        ["SPACE"] = @"\s*",
        ["DATA"] = ".*?",
        ["GREEDYDATA"] = ".*",
        ["QUOTEDSTRING"] = """(?:"[^"\\]*(?:\\.[^"\\]*)*")|(?:'[^'\\]*(?:\\.[^'\\]*)*')""",
        ["QS"] = "%{QUOTEDSTRING}",
        ["UUID"] = "[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}",
        ["URN"] = "urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:[0-9A-Za-z()+,.:=@;$_!*'/?#-]+",
        ["BOOL"] = "true|false",
        ["LOGLEVEL"] = "(?i)(alert|trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|emerg(?:ency)?)",

        ["INT"] = "(?:[+-]?(?:[0-9]+))",
        ["BASE10NUM"] = @"([+-]?(?:[0-9]+(?:\.[0-9]+)?)|\.[0-9]+)",
        ["NUMBER"] = "(?:%{BASE10NUM})",
        ["BASE16NUM"] = "[+-]?(?:0x)?[0-9A-Fa-f]+",
        ["BASE16FLOAT"] = @"[+-]?(?:0x)?[0-9A-Fa-f]+(?:\.[0-9A-Fa-f]*)?",
        ["POSINT"] = @"\b[1-9][0-9]*\b",
        ["NONNEGINT"] = @"\b[0-9]+\b",

        ["IPV4"] = $@"(?:{Octet}\.){{3}}{Octet}",
        ["IPV6"] = IpV6(),
        ["IP"] = "(?:%{IPV6}|%{IPV4})",
        ["HOSTNAME"] = $@"\b{Label}(?:\.{Label})*(?:\.?|\b)",
        ["IPORHOST"] = "(?:%{IP}|%{HOSTNAME})",
        ["HOSTPORT"] = "%{IPORHOST}:%{POSINT}",
        ["MAC"] = "(?:%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC})",
        ["CISCOMAC"] = @"(?:(?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4})",
        ["WINDOWSMAC"] = "(?:(?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2})",
        ["COMMONMAC"] = "(?:(?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2})",
        ["USERNAME"] = "[a-zA-Z0-9._-]+",
        ["USER"] = "%{USERNAME}",
        ["EMAILLOCALPART"] = "[a-zA-Z][a-zA-Z0-9_.+-=:]+",
        ["EMAILADDRESS"] = "%{EMAILLOCALPART}@%{HOSTNAME}",

        ["UNIXPATH"] = @"(/[\w_%!$@:.,+~-]+)+",
        ["WINPATH"] = @"[A-Za-z]+:(\\[^\\?*]+)+",
        ["PATH"] = "(?:%{UNIXPATH}|%{WINPATH})",
        ["TTY"] = @"/dev/(pts|tty([pq])?)(\w+)?/?(?:[0-9]+)",
        ["URIPROTO"] = @"[A-Za-z][A-Za-z0-9+\.-]+",
        ["URIHOST"] = "%{IPORHOST}(?::%{POSINT})?",
        ["URIPATH"] = @"(/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]+)+",
        ["URIQUERY"] = @"[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*",
        ["URIPARAM"] = @"\?%{URIQUERY}",
        ["URIPATHPARAM"] = @"%{URIPATH}(?:\?%{URIQUERY})?",
        ["URI"] = @"%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?%{URIHOST}(?:%{URIPATH}(?:\?%{URIQUERY})?)?",

        ["MONTH"] = @"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|Jun(?:e)?|Jul(?:y)?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b",
        ["MONTHNUM"] = "(?:0[1-9]|1[0-2])",
        ["MONTHDAY"] = "(?:(?:0[1-9])|(?:[12][0-9])|(?:3[01])|[1-9])",
        ["DAY"] = @"\b(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)\b",
        ["YEAR"] = @"(\d\d){1,2}",
        ["HOUR"] = "(?:2[0123]|[01]?[0-9])",
        ["MINUTE"] = "(?:[0-5][0-9])",
        ["SECOND"] = "(?:(?:[0-5][0-9]|60)(?:[:.,][0-9]+)?)",
        ["TIME"] = "%{HOUR}:%{MINUTE}(?::%{SECOND})?",
        ["DATE_US"] = "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}",
        ["DATE_EU"] = "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}",
        ["DATE"] = "%{DATE_US}|%{DATE_EU}",
        ["DATESTAMP"] = "%{DATE}[- ]%{TIME}",
        ["ISO8601_TIMEZONE"] = "(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))",
        ["ISO8601_SECOND"] = "%{SECOND}",
        ["TIMESTAMP_ISO8601"] = "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?",
        ["TZ"] = "(?:[PMACE][SED]T|UTC)",
        ["DATESTAMP_RFC822"] = "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}",
        ["DATESTAMP_RFC2822"] = "%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}",
        ["DATESTAMP_OTHER"] = "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}",
        ["DATESTAMP_EVENTLOG"] = "%{YEAR}%{MONTHNUM}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}",
        ["HTTPDATE"] = "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}",

        ["SYSLOGTIMESTAMP"] = "%{MONTH} +%{MONTHDAY} %{TIME}",
        ["PROG"] = @"[!-Z\\^-~]+",
        ["SYSLOGPROG"] = @"%{PROG}(?:\[\d+\])?",
        ["SYSLOGHOST"] = "%{IPORHOST}",
        ["SYSLOGFACILITY"] = "<%{NONNEGINT}.%{NONNEGINT}>",
        ["SYSLOGBASE"] = "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:host.name} %{SYSLOGPROG}:",

        ["HTTPDUSER"] = "%{EMAILADDRESS}|%{USER}",
        ["HTTPD_COMMONLOG"] =
            """%{IPORHOST:source.address} (?:-|%{HTTPDUSER:apache.access.user.identity}) (?:-|%{HTTPDUSER:user.name}) \[%{HTTPDATE:timestamp}\] "(?:%{WORD:http.request.method} %{NOTSPACE:url.original}(?: HTTP/%{NUMBER:http.version})?|%{DATA})" (?:-|%{INT:http.response.status_code:int}) (?:-|%{INT:http.response.body.size:int})""",
        ["HTTPD_COMBINEDLOG"] = """%{HTTPD_COMMONLOG} "(?:-|%{DATA:http.request.referrer})" "(?:-|%{DATA:user_agent.original})""" + "\"",
        ["COMMONAPACHELOG"] = "%{HTTPD_COMMONLOG}",
        ["COMBINEDAPACHELOG"] = "%{HTTPD_COMBINEDLOG}",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>All places that the two colons can have, the longest forms first, each with an IPv4 address as its end or without.</summary>
    private static string IpV6()
    {
        const string four = $@"(?:{Octet}(?:\.{Octet}){{3}})";
        var forms = new List<string> { $"(?:(?:{Group}:){{7}}(?:{Group}|:))" };
        for (var before = 6; before >= 1; before--)
        {
            var after = 7 - before;
            var end = before == 6 ? $"(?::{Group}|{four}|:)" : $"(?:(?::{Group}){{1,{after}}}|(?::{Group}){{0,{after - 2}}}:{four}|:)";
            forms.Add($"(?:(?:{Group}:){{{before}}}{end})");
        }

        forms.Add($"(?::(?:(?::{Group}){{1,7}}|(?::{Group}){{0,5}}:{four}|:))");
        return $"(?:{string.Join('|', forms)})(?:%.+)?";
    }
}
