using System.Text;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// The parts of a URL, by the names of the semantic conventions; what it does not have is not there.
/// .NET's <c>Uri</c> normalizes and refuses otherwise. Source: https://pkg.go.dev/net/url#Parse.
/// </summary>
internal sealed class Url
{
    private string _scheme = "";
    private string _opaque = "";
    private string? _userName;
    private string? _password;
    private string _host = "";
    private string _path = "";
    private string _rawPath = "";
    private string _query = "";
    private bool _forceQuery;
    private string _fragment = "";
    private string _rawFragment = "";
    private bool _omitHost;

    private Url()
    {
    }

    private enum Place : byte
    {
        Path,
        Host,
        Zone,
        UserPassword,
        QueryComponent,
        Fragment,
    }

    public static Value Parts(string text)
    {
        if (text.Length == 0)
        {
            return new Failure("an empty text is no URL");
        }

        if (text[0] == '?')
        {
            return QueryParts(text[1..]);
        }

        var url = new Url();
        if (!url.TryParse(text))
        {
            return new Failure($"'{ByteText.ToDisplay(text)}' is no URL");
        }

        var (domain, port) = url.HostAndPort();
        var parts = new Dictionary<string, Value>(StringComparer.Ordinal)
        {
            ["url.original"] = new TextValue(url.Written()),
            ["url.domain"] = new TextValue(domain),
            ["url.scheme"] = new TextValue(url._scheme),
            ["url.path"] = new TextValue(url._path),
        };
        if (port.Length > 0)
        {
            if (!Texts.NumberText.TryParseInt(port, 10, out var number))
            {
                return new Failure($"the port {port} is out of range");
            }

            parts["url.port"] = new MachineIntValue(number);
        }

        AddIfAny("url.fragment", url._fragment);
        if (url._userName is not null)
        {
            parts["url.user_info"] = new TextValue(url.UserInfo());
            AddIfAny("url.username", url._userName);
            if (url._password is not null)
            {
                parts["url.password"] = new TextValue(url._password);
            }
        }

        AddIfAny("url.query", url._query);
        var period = url._path.LastIndexOf('.');
        AddIfAny("url.extension", period >= 0 ? url._path[(period + 1)..] : "");
        return new RawMapValue(parts);

        void AddIfAny(string name, string value)
        {
            if (value.Length > 0)
            {
                parts[name] = new TextValue(value);
            }
        }
    }

    private static Value QueryParts(string query)
    {
        var parameters = new Dictionary<string, List<Value>>(StringComparer.Ordinal);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equal = pair.IndexOf('=');
            if (pair.Contains(';') || !TryUnescape(equal < 0 ? pair : pair[..equal], Place.QueryComponent, out var name)
                || !TryUnescape(equal < 0 ? "" : pair[(equal + 1)..], Place.QueryComponent, out var value))
            {
                return new Failure($"'{ByteText.ToDisplay(query)}' is no query");
            }

            if (!parameters.TryGetValue(name, out var values))
            {
                parameters.Add(name, values = []);
            }

            values.Add(new TextValue(value));
        }

        return new RawMapValue(parameters.Count == 0
            ? []
            : new(StringComparer.Ordinal) { ["query"] = new RawMapValue(parameters.ToDictionary(entry => entry.Key, entry => (Value)new RawListValue(entry.Value), StringComparer.Ordinal)) });
    }

    private bool TryParse(string text)
    {
        var hash = text.IndexOf('#');
        var rest = hash < 0 ? text : text[..hash];
        if (text.Any(c => c is < ' ' or (char)0x7F) && rest.Any(c => c is < ' ' or (char)0x7F))
        {
            return false;
        }

        if (!TryParseWithoutFragment(rest))
        {
            return false;
        }

        var raw = hash < 0 ? "" : text[(hash + 1)..];
        if (!TryUnescape(raw, Place.Fragment, out _fragment))
        {
            return false;
        }

        _rawFragment = Escape(_fragment, Place.Fragment) == raw ? "" : raw;
        return true;
    }

    private bool TryParseWithoutFragment(string rest)
    {
        if (rest == "*")
        {
            _path = "*";
            return true;
        }

        if (!TryScheme(ref rest))
        {
            return false;
        }

        var question = rest.IndexOf('?');
        _forceQuery = question >= 0 && question == rest.Length - 1;
        _query = question < 0 ? "" : rest[(question + 1)..];
        rest = question < 0 ? rest : rest[..question];
        if (!rest.StartsWith('/'))
        {
            if (_scheme.Length > 0)
            {
                _opaque = rest;
                return true;
            }

            // cache_object:foo/bar has no scheme that would be one, and no first segment either.
            if (rest.Split('/')[0].Contains(':'))
            {
                return false;
            }
        }

        if ((_scheme.Length > 0 || !rest.StartsWith("///", StringComparison.Ordinal)) && rest.StartsWith("//", StringComparison.Ordinal))
        {
            var slash = rest.IndexOf('/', 2);
            var authority = slash < 0 ? rest[2..] : rest[2..slash];
            rest = slash < 0 ? "" : rest[slash..];
            if (!TryAuthority(authority))
            {
                return false;
            }
        }
        else
        {
            _omitHost = _scheme.Length > 0 && rest.StartsWith('/');
        }

        if (!TryUnescape(rest, Place.Path, out _path))
        {
            return false;
        }

        _rawPath = Escape(_path, Place.Path) == rest ? "" : rest;
        return true;
    }

    private bool TryScheme(ref string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case (>= 'a' and <= 'z') or (>= 'A' and <= 'Z'):
                    continue;
                case (>= '0' and <= '9') or '+' or '-' or '.' when i > 0:
                    continue;
                case ':' when i == 0:
                    return false;
                case ':':
                    _scheme = text[..i].ToLowerInvariant();
                    text = text[(i + 1)..];
                    return true;
                default:
                    return true;
            }
        }

        return true;
    }

    private bool TryAuthority(string authority)
    {
        var at = authority.LastIndexOf('@');
        if (!TryHost(authority[(at + 1)..]))
        {
            return false;
        }

        if (at < 0)
        {
            return true;
        }

        var user = authority[..at];
        if (!user.All(c => char.IsAsciiLetterOrDigit(c) || "-._:~!$&'()*+,;=%@".Contains(c)))
        {
            return false;
        }

        var colon = user.IndexOf(':');
        if (!TryUnescape(colon < 0 ? user : user[..colon], Place.UserPassword, out var name) || !TryUnescape(colon < 0 ? "" : user[(colon + 1)..], Place.UserPassword, out var password))
        {
            return false;
        }

        _userName = name;
        _password = colon < 0 ? null : password;
        return true;
    }

    private bool TryHost(string host)
    {
        if (!host.StartsWith('['))
        {
            var colon = host.LastIndexOf(':');
            return (colon < 0 || IsOptionalPort(host[colon..])) && TryUnescape(host, Place.Host, out _host);
        }

        var close = host.LastIndexOf(']');
        if (close < 0 || !IsOptionalPort(host[(close + 1)..]))
        {
            return false;
        }

        var zone = host[..close].IndexOf("%25", StringComparison.Ordinal);
        if (!TryUnescape(host[1..(zone < 0 ? close : zone)], Place.Host, out var address)
            || !TryUnescape(zone < 0 ? "" : host[zone..close], Place.Zone, out var zoneName)
            || !address.Contains(':') || IpNetwork.ParseAddress(address) is not { } bytes || bytes.Length == 0)
        {
            return false;
        }

        _host = "[" + address + zoneName + host[close..];
        return true;
    }

    private static bool IsOptionalPort(string port) => port.Length == 0 || (port[0] == ':' && !port.AsSpan(1).ContainsAnyExceptInRange('0', '9'));

    private (string Domain, string Port) HostAndPort()
    {
        var colon = _host.LastIndexOf(':');
        var (host, port) = colon >= 0 && IsOptionalPort(_host[colon..]) ? (_host[..colon], _host[(colon + 1)..]) : (_host, "");
        return (host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host, port);
    }

    private string UserInfo() => Escape(_userName!, Place.UserPassword) + (_password is null ? "" : ":" + Escape(_password, Place.UserPassword));

    private string Written()
    {
        var text = new StringBuilder();
        if (_scheme.Length > 0)
        {
            text.Append(_scheme).Append(':');
        }

        if (_opaque.Length > 0)
        {
            text.Append(_opaque);
        }
        else
        {
            if ((_scheme.Length > 0 || _host.Length > 0 || _userName is not null) && !(_omitHost && _host.Length == 0 && _userName is null))
            {
                text.Append(_host.Length > 0 || _path.Length > 0 || _userName is not null ? "//" : "");
                text.Append(_userName is null ? "" : UserInfo() + "@");
                text.Append(Escape(_host, Place.Host));
            }

            var path = _rawPath.Length > 0 && IsEncoded(_rawPath, Place.Path) ? _rawPath : _path == "*" ? "*" : Escape(_path, Place.Path);
            if (path.Length > 0 && path[0] != '/' && _host.Length > 0)
            {
                text.Append('/');
            }

            if (text.Length == 0 && path.Split('/')[0].Contains(':'))
            {
                text.Append("./");
            }

            text.Append(path);
        }

        if (_forceQuery || _query.Length > 0)
        {
            text.Append('?').Append(_query);
        }

        if (_fragment.Length > 0)
        {
            text.Append('#').Append(_rawFragment.Length > 0 && IsEncoded(_rawFragment, Place.Fragment) ? _rawFragment : Escape(_fragment, Place.Fragment));
        }

        return text.ToString();
    }

    private static bool TryUnescape(string text, Place place, out string result)
    {
        result = text;
        var unescaped = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                {
                    return false;
                }

                c = (char)Convert.ToByte(text.Substring(i + 1, 2), 16);
                var isPercent = text[i + 1] == '2' && text[i + 2] == '5';

                // In a host only what is not ASCII may be escaped, and the percent sign that starts a zone.
                if ((place == Place.Host && c < 0x80 && !isPercent) || (place == Place.Zone && !isPercent && c != ' ' && MustEscape(c, Place.Host)))
                {
                    return false;
                }

                i += 2;
            }
            else if (c == '+' && place == Place.QueryComponent)
            {
                c = ' ';
            }
            else if (place is Place.Host or Place.Zone && c < 0x80 && MustEscape(c, place))
            {
                return false;
            }

            unescaped.Append(c);
        }

        result = unescaped.ToString();
        return true;
    }

    private static string Escape(string text, Place place)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (MustEscape(c, place))
            {
                escaped.Append('%').Append(((int)c).ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
            else
            {
                escaped.Append(c);
            }
        }

        return escaped.ToString();
    }

    private static bool IsEncoded(string text, Place place) => text.All(c => c switch
    {
        '!' or '$' or '&' or '\'' or '(' or ')' or '*' or '+' or ',' or ';' or '=' or ':' or '@' or '[' or ']' or '%' => true,
        _ => !MustEscape(c, place),
    });

    private static bool MustEscape(char c, Place place)
    {
        if (char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~')
        {
            return false;
        }

        if (place is Place.Host or Place.Zone && "!$&'()*+,;=:[]<>\"".Contains(c))
        {
            return false;
        }

        if ("$&+,/:;=?@".Contains(c))
        {
            return place switch
            {
                Place.Path => c == '?',
                Place.UserPassword => c is '@' or '/' or '?' or ':',
                Place.Fragment => false,
                _ => true,
            };
        }

        return place != Place.Fragment || c is not ('!' or '(' or ')' or '*');
    }
}
