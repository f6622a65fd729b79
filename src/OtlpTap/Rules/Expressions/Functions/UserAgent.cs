using System.Text.RegularExpressions;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// What a user agent says it is, for the clients that telemetry is full of: browsers, their systems, programs and bots.
/// The reference looks into the hundreds of expressions of ua-parser; names are theirs, and what is not known here is
/// <c>Other</c>, as there.
/// </summary>
internal static partial class UserAgent
{
    // The first that fits counts: most agents name others for compatibility.
    private static readonly (Regex Pattern, string? Family)[] Agents =
    [
        (Named(), null),
        (PythonRequests(), "Python Requests"),
        (Bots(), null),
        (Edge(), "Edge"),
        (Opera(), "Opera"),
        (Samsung(), "Samsung Internet"),
        (FirefoxIos(), "Firefox iOS"),
        (ChromeIos(), "Chrome Mobile iOS"),
        (FirefoxMobile(), "Firefox Mobile"),
        (Firefox(), "Firefox"),
        (HeadlessChrome(), "HeadlessChrome"),
        (ChromeWebView(), "Chrome Mobile WebView"),
        (ChromeMobile(), "Chrome Mobile"),
        (Chrome(), "Chrome"),
        (MobileSafari(), "Mobile Safari"),
        (Safari(), "Safari"),
        (InternetExplorer(), "IE"),
        (InternetExplorer11(), "IE"),
    ];

    private static readonly (Regex Pattern, string Family)[] Systems =
    [
        (WindowsNt(), "Windows"),
        (Android(), "Android"),
        (Ios(), "iOS"),
        (MacOs(), "Mac OS X"),
        (ChromeOs(), "Chrome OS"),
        (Ubuntu(), "Ubuntu"),
        (Linux(), "Linux"),
    ];

    public static RawMapValue Parts(string text)
    {
        var (agent, version) = AgentOf(text);
        var (system, systemVersion) = SystemOf(text);
        var parts = new Dictionary<string, Value>(StringComparer.Ordinal)
        {
            ["user_agent.name"] = new TextValue(agent),
            ["user_agent.original"] = new TextValue(text),
            ["user_agent.version"] = new TextValue(version),
            ["os.name"] = new TextValue(system),
        };
        if (systemVersion.Length > 0)
        {
            parts["os.version"] = new TextValue(systemVersion);
        }

        return new RawMapValue(parts);
    }

    private static (string Family, string Version) AgentOf(string text)
    {
        foreach (var (pattern, family) in Agents)
        {
            if (pattern.Match(text) is { Success: true } match)
            {
                return (family ?? match.Groups["name"].Value, VersionOf(match));
            }
        }

        return ("Other", "");
    }

    private static (string Family, string Version) SystemOf(string text)
    {
        foreach (var (pattern, family) in Systems)
        {
            if (pattern.Match(text) is { Success: true } match)
            {
                return (family, family == "Windows" ? WindowsVersion(match.Groups["v"].Value) : VersionOf(match));
            }
        }

        return ("Other", "");
    }

    /// <summary>Three numbers at the most.</summary>
    private static string VersionOf(Match match) => string.Join('.', match.Groups["v"].Value.Replace('_', '.').Split('.').Take(3));

    private static string WindowsVersion(string version) => version switch
    {
        "10.0" => "10",
        "6.3" => "8.1",
        "6.2" => "8",
        "6.1" => "7",
        "6.0" => "Vista",
        "5.1" => "XP",
        _ => version,
    };

    [GeneratedRegex(@"^(?<name>curl|Wget|PostmanRuntime|okhttp|Go-http-client|Apache-HttpClient|axios|aiohttp|node-fetch)/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex Named();

    [GeneratedRegex(@"^python-requests/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex PythonRequests();

    [GeneratedRegex(@"(?<name>Googlebot|bingbot|YandexBot|Baiduspider|DuckDuckBot|GPTBot|ClaudeBot|Applebot|AhrefsBot|SemrushBot)(?:/(?<v>\d+(?:\.\d+)*))?", RegexOptions.CultureInvariant)]
    private static partial Regex Bots();

    [GeneratedRegex(@"(?:Edge|Edg|EdgA|EdgiOS)/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex Edge();

    [GeneratedRegex(@"OPR/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex Opera();

    [GeneratedRegex(@"SamsungBrowser/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex Samsung();

    [GeneratedRegex(@"FxiOS/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex FirefoxIos();

    [GeneratedRegex(@"CriOS/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex ChromeIos();

    [GeneratedRegex(@"(?:Mobile|Tablet);.*Firefox/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex FirefoxMobile();

    [GeneratedRegex(@"Firefox/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex Firefox();

    [GeneratedRegex(@"HeadlessChrome/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex HeadlessChrome();

    [GeneratedRegex(@"; wv\).*Chrome/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex ChromeWebView();

    [GeneratedRegex(@"Chrome/(?<v>\d+(?:\.\d+)*) Mobile", RegexOptions.CultureInvariant)]
    private static partial Regex ChromeMobile();

    [GeneratedRegex(@"(?:Chrome|Chromium)/(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex Chrome();

    [GeneratedRegex(@"Version/(?<v>\d+(?:\.\d+)*).*Mobile.*Safari/", RegexOptions.CultureInvariant)]
    private static partial Regex MobileSafari();

    [GeneratedRegex(@"Version/(?<v>\d+(?:\.\d+)*).*Safari/", RegexOptions.CultureInvariant)]
    private static partial Regex Safari();

    [GeneratedRegex(@"MSIE (?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex InternetExplorer();

    [GeneratedRegex(@"Trident/.*rv:(?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex InternetExplorer11();

    [GeneratedRegex(@"Windows NT (?<v>\d+\.\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex WindowsNt();

    [GeneratedRegex(@"Android(?: (?<v>\d+(?:\.\d+)*))?", RegexOptions.CultureInvariant)]
    private static partial Regex Android();

    [GeneratedRegex(@"(?:iPhone|iPad|iPod).*? OS (?<v>\d+(?:_\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex Ios();

    [GeneratedRegex(@"Mac OS X(?: (?<v>\d+(?:[_.]\d+)*))?", RegexOptions.CultureInvariant)]
    private static partial Regex MacOs();

    [GeneratedRegex(@"CrOS \S+ (?<v>\d+(?:\.\d+)*)", RegexOptions.CultureInvariant)]
    private static partial Regex ChromeOs();

    [GeneratedRegex(@"Ubuntu(?:[ /](?<v>\d+(?:\.\d+)*))?", RegexOptions.CultureInvariant)]
    private static partial Regex Ubuntu();

    [GeneratedRegex("Linux", RegexOptions.CultureInvariant)]
    private static partial Regex Linux();
}
