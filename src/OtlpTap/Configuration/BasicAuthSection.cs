using OtlpTap.Forward;
using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary><c>extensions.basicauth</c>: with <c>htpasswd</c> it checks senders, with <c>client_auth</c> it is shown to upstreams.</summary>
internal static class BasicAuthSection
{
    public static AuthenticatorExtension Read(string id, Section section)
    {
        var htpasswd = section.OptionalMap("htpasswd");
        var clientAuth = section.OptionalMap("client_auth");
        var server = htpasswd is null ? null : ReadServer(id, htpasswd);
        var client = clientAuth is null ? null : ReadClient(id, clientAuth);
        if (htpasswd is null && clientAuth is null)
        {
            section.Problems.Error(section.Mark, section.Path, "`htpasswd` must be set to check senders, or `client_auth` to be shown to an upstream");
        }
        else if (htpasswd is not null && clientAuth is not null)
        {
            section.KeyError("client_auth", "`htpasswd` is set as well: an extension is for senders or for upstreams; make two of them");
        }

        section.RefuseUnknownKeys();
        return new AuthenticatorExtension(id, server, client);
    }

    private static BasicAuthOptions ReadServer(string id, Section htpasswd)
    {
        var file = htpasswd.Text("file", "");
        var inline = htpasswd.Secret("inline") ?? "";
        if (file.Length > 0 && !File.Exists(file))
        {
            htpasswd.Error("file", $"no file `{file}`");
        }
        else if (file.Length + inline.Length == 0)
        {
            htpasswd.Problems.Error(htpasswd.Mark, htpasswd.PathOf("file"), "must be set, or `inline`");
        }

        // Lines hold password hashes: only their number is told.
        var lines = inline.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.Length > 0 && !line.StartsWith('#') && line.IndexOf(':', StringComparison.Ordinal) < 1)
            {
                htpasswd.Error("inline", $"line {i + 1} is no `user:password`");
            }
        }

        htpasswd.RefuseUnknownKeys();
        return new BasicAuthOptions(id) { PasswordFile = file.Length > 0 ? file : null, Inline = inline.Length > 0 ? inline : null };
    }

    private static ClientBasicAuthOptions ReadClient(string id, Section client)
    {
        var user = client.RequiredText("username") ?? "";
        var password = client.Secret("password") ?? "";
        if (user.Contains(':', StringComparison.Ordinal))
        {
            client.Error("username", "a user's name has no `:` (RFC 7617)");
        }

        if (password.Length == 0)
        {
            client.Problems.Error(client.MarkOf("password"), client.PathOf("password"), "must be set");
        }

        client.Refuse(["username_file", "password_file"], "is not read: use `${env:NAME}`");
        client.RefuseUnknownKeys();
        return new ClientBasicAuthOptions(id, user, password);
    }
}
