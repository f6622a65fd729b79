using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary><c>service.admin.api</c>: who may ask the API.</summary>
internal static class ApiSection
{
    /// <summary>Null where no token is written: whoever reaches the admin port may; without one for writing, who may read may also write.</summary>
    /// <param name="listener">What the whole port asks for; null where it asks for nothing.</param>
    public static (BearerTokenOptions? Token, BearerTokenOptions? WriteToken) Read(Section api, AuthenticatorOptions? listener)
    {
        var token = ReadToken(api, "token", "leave the key out to let in everyone who reaches the port");
        var writeToken = ReadToken(api, "write_token", "leave the key out to give `token` all rights");
        api.RefuseUnknownKeys();
        if (token is null && writeToken is null)
        {
            return default;
        }

        if (token is { Tokens: [var one] } && writeToken is { Tokens: [var other] } && one == other)
        {
            api.KeyError("write_token", "it is the same as `token`: who reads could write as well");
        }

        if (HeaderOf(listener) == "authorization")
        {
            api.Problems.Error(api.Mark, api.Path, "`service.admin.auth` asks for the same header, which can carry one credential: one of them must go");
        }

        return (token, writeToken);
    }

    private static BearerTokenOptions? ReadToken(Section api, string key, string advice)
    {
        var fileKey = $"{key}_file";
        var token = api.Secret(key);
        var file = TlsFiles.ReadFile(api, fileKey);
        if (api.Value(key) is not null && !(token is { Length: > 0 } && HeaderName.IsValue(token)))
        {
            // A token is a credential: it is not shown.
            api.Error(key, $"a token is printable ASCII without blanks around it; {advice}");
        }

        if (token is not null && file is not null)
        {
            api.KeyError(key, $"`{fileKey}` is set as well: one of them must go");
        }

        return token is not { Length: > 0 } && file is null
            ? null
            : new BearerTokenOptions(api.PathOf(key)) { Tokens = token is null ? [] : [token], TokenFile = file, TokenFileKey = api.PathOf(fileKey) };
    }

    private static string? HeaderOf(AuthenticatorOptions? listener) => listener switch
    {
        null => null,
        BearerTokenOptions bearer => bearer.Header,
        _ => "authorization",
    };
}
