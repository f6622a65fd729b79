using OtlpTap.Forward;
using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary>The extensions by id, and which of them <c>service.extensions</c> starts: what is not started cannot be used, as in the Collector.</summary>
internal sealed class Extensions(Components<ExtensionOptions> components)
{
    private const string Kind = "authenticator";

    public Components<ExtensionOptions> Components => components;

    /// <summary>What checks senders; null after an error.</summary>
    public AuthenticatorOptions? Server(Section auth, string key)
    {
        var extension = Authenticator(auth, key);
        if (extension is { Server: null })
        {
            auth.Error(key, $"`{extension.Id}` cannot check senders: it has no `htpasswd`, which says whom to let in");
        }

        return extension?.Server;
    }

    /// <summary>What is shown to an upstream; null after an error.</summary>
    public ClientAuthOptions? Client(Section auth, string key)
    {
        var extension = Authenticator(auth, key);
        if (extension is { Client: null })
        {
            auth.Error(key, $"`{extension.Id}` has nothing to show to an upstream: it has no `client_auth`");
        }

        return extension?.Client;
    }

    /// <summary>Whether the id is one that is defined, of whatever use.</summary>
    public bool Has(string id) => components.Has(id);

    private AuthenticatorExtension? Authenticator(Section auth, string key)
    {
        var id = auth.RequiredText(key);
        if (id is null)
        {
            return null;
        }

        var isStarted = components.IsUsed(id);
        switch (components.Use(id, auth.MarkOf(key), auth.PathOf(key), auth.Problems))
        {
            case AuthenticatorExtension authenticator:
                if (!isStarted)
                {
                    auth.Error(key, $"`{id}` is defined and not started: add it to `service.extensions`");
                }

                return authenticator;
            case { } other:
                auth.Error(key, $"`{other.Id}` is no {Kind}: `bearertokenauth` and `basicauth` are");
                return null;
            default:
                return null;
        }
    }
}
