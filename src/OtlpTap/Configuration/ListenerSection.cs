using System.Collections.Immutable;
using System.Text;
using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary>What every listener has: an address, TLS, and who may come in.</summary>
internal static class ListenerSection
{
    // sun_path of sockaddr_un: 108 bytes with the zero at its end (unix(7)).
    private const int UnixPathBytesMax = 107;

    private const string UnixScheme = "unix://";

    // In place of one that was wrong: it is in nobody's way.
    private static readonly ListenAddress Invalid = new("", 0);

    /// <summary><c>endpoint</c> with <c>transport</c>: host and port, a path with <c>transport: unix</c>, or <c>unix:///path</c>.</summary>
    public static ListenAddress ReadAddress(Section listener, ListenAddress byDefault)
    {
        var text = listener.Text("endpoint", byDefault.ToString());
        var isUnix = listener.Choice("transport", byDefault: false, [("tcp", false), ("unix", true)]);
        if (text.StartsWith(UnixScheme, StringComparison.Ordinal))
        {
            return ReadUnixPath(listener, text[UnixScheme.Length..]) ?? Invalid;
        }

        if (isUnix)
        {
            return ReadUnixPath(listener, listener.Text("endpoint") ?? "") ?? Invalid;
        }

        if (!HostPort.TryParse(text, out var endpoint, out var error))
        {
            listener.Error("endpoint", error);
            return Invalid;
        }

        return new ListenAddress(endpoint, null);
    }

    /// <summary>What <c>auth.authenticator</c> names; null where it is not written, and after an error.</summary>
    public static AuthenticatorOptions? ReadAuthenticator(Section listener, Extensions extensions)
    {
        if (listener.OptionalMap("auth") is not { } auth)
        {
            return null;
        }

        var authenticator = extensions.Server(auth, "authenticator");
        auth.Ignore(["request_params"], "query parameters are not looked at");
        auth.RefuseUnknownKeys();
        return authenticator;
    }

    /// <summary>Headers that the configuration sets, names in lower case.</summary>
    public static ImmutableArray<(string Name, string Value)> ReadHeaders(Section parent, string key)
    {
        var section = parent.FreeMap(key, isSecret: true);
        var headers = ImmutableArray.CreateBuilder<(string Name, string Value)>();
        foreach (var written in section.Keys)
        {
            var name = written.ToLowerInvariant();
            var value = section.Text(written, "");
            if (HeaderName.Problem(name) is { } problem)
            {
                section.KeyError(written, problem);
            }
            else if (!HeaderName.IsValue(value))
            {
                // The value may be a credential: it is not shown.
                section.Error(written, "the value of a header is printable ASCII without blanks around it");
            }
            else if (headers.Any(header => header.Name == name))
            {
                section.KeyError(written, "names differ only by case: they are one header");
            }
            else
            {
                headers.Add((name, value));
            }
        }

        return headers.ToImmutable();
    }

    private static ListenAddress? ReadUnixPath(Section listener, string path)
    {
        if (path.Length == 0)
        {
            listener.Error("endpoint", "must be set: with `transport: unix` it is the path of a socket, as `/run/otlptap.sock`");
            return null;
        }

        if (path[0] != '/' || path.Contains('\0', StringComparison.Ordinal))
        {
            listener.Error("endpoint", $"`{path}` is no absolute path: a Unix socket is `/run/otlptap.sock`, or `unix:///run/otlptap.sock`");
            return null;
        }

        if (Encoding.UTF8.GetByteCount(path) > UnixPathBytesMax)
        {
            listener.Error("endpoint", $"the path of a Unix socket has at most {UnixPathBytesMax} bytes");
            return null;
        }

        return new ListenAddress(default, path);
    }
}
