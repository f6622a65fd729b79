using System.Collections.Immutable;
using Microsoft.Extensions.Primitives;

namespace OtlpTap.Receive;

/// <summary>Lets in who shows one of the tokens.</summary>
internal sealed class BearerAuthenticator : Authenticator
{
    /// <summary>How often the file is looked at; tokens are rotated by people and by controllers that sync within a minute.</summary>
    public static readonly TimeSpan FileInterval = TimeSpan.FromSeconds(10);

    private readonly byte[] _key = Digest.NewKey();
    private readonly BearerTokenOptions _options;
    private readonly Reloaded<Tokens> _tokens;

    public BearerAuthenticator(BearerTokenOptions options, TimeProvider time, Action<string, bool> notReloaded)
    {
        _options = options;
        _tokens = new Reloaded<Tokens>(Read, options.TokenFile is null ? null : FileInterval, time, loaded: static _ => { }, notReloaded);
    }

    public override string Header => _options.Header;

    public override string Challenge => _options.Scheme.Length > 0 ? _options.Scheme : "Bearer";

    public override ValueTask<Authentication> AuthenticateAsync(StringValues header, CancellationToken cancellation) =>
        new(header.Count == 1 && TryReadToken(header[0], out var token) && IsKnown(token) ? Authentication.Accepted : Authentication.Refused);

    public override void Dispose() => _tokens.Dispose();

    // RFC 9110, 11.1: a scheme is the same in either case.
    private bool TryReadToken(string? value, out ReadOnlySpan<char> token)
    {
        token = value;
        var scheme = _options.Scheme;
        if (scheme.Length == 0)
        {
            return token.Length > 0;
        }

        if (token.Length <= scheme.Length + 1 || !token.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) || token[scheme.Length] != ' ')
        {
            return false;
        }

        token = token[(scheme.Length + 1)..].Trim(' ');
        return token.Length > 0;
    }

    /// <summary>Looks at all of them, whichever it is.</summary>
    private bool IsKnown(ReadOnlySpan<char> token)
    {
        var shown = Digest.Of(token, _key);
        var isKnown = false;
        foreach (var digest in _tokens.Current.Digests)
        {
            isKnown |= digest.Equals(shown);
        }

        return isKnown;
    }

    private Tokens Read(Tokens? before)
    {
        if (_options.TokenFile is not { } file)
        {
            return new Tokens("", [.. _options.Tokens.Select(token => Digest.Of(token, _key))]);
        }

        var text = SecretFile.Read(_options.TokenFileKey, file);
        if (text == before?.Text)
        {
            return before;
        }

        var digests = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(token => Digest.Of(token, _key)).ToImmutableArray();
        return digests.Length > 0 ? new Tokens(text, digests) : throw new UnusableFileException($"{_options.TokenFileKey} `{file}` has no token");
    }

    private sealed record Tokens(string Text, ImmutableArray<Digest> Digests);
}
