using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary><c>service.admin.api</c>: who may ask the API.</summary>
internal static class ApiSection
{
    /// <summary>Null where no token is written: whoever reaches the admin port may.</summary>
    /// <param name="listener">What the whole port asks for; null where it asks for nothing.</param>
    public static BearerTokenOptions? Read(Section api, AuthenticatorOptions? listener)
    {
        var token = api.Secret("token");
        var file = TlsFiles.ReadFile(api, "token_file");
        if (api.Value("token") is not null && !(token is { Length: > 0 } && HeaderName.IsValue(token)))
        {
            // A token is a credential: it is not shown.
            api.Error("token", "a token is printable ASCII without blanks around it; leave the key out to let in everyone who reaches the port");
        }

        if (token is not null && file is not null)
        {
            api.KeyError("token", "`token_file` is set as well: one of them must go");
        }

        api.RefuseUnknownKeys();
        if (token is not { Length: > 0 } && file is null)
        {
            return null;
        }

        if (HeaderOf(listener) == "authorization")
        {
            api.Problems.Error(api.Mark, api.Path, "`service.admin.auth` asks for the same header, which can carry one credential: one of them must go");
        }

        return new BearerTokenOptions(api.Path) { Tokens = token is null ? [] : [token], TokenFile = file, TokenFileKey = api.PathOf("token_file") };
    }

    private static string? HeaderOf(AuthenticatorOptions? listener) => listener switch
    {
        null => null,
        BearerTokenOptions bearer => bearer.Header,
        _ => "authorization",
    };
}
