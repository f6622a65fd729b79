using System.Text;
using Microsoft.Extensions.Primitives;

namespace OtlpTap.Receive;

/// <summary>Lets in who shows the name and password of one of the lines of an htpasswd file (RFC 7617).</summary>
internal sealed class BasicAuthenticator : Authenticator
{
    private const string Scheme = "Basic ";

    private readonly BasicAuthOptions _options;
    private readonly Reloaded<PasswordTable> _passwords;

    public BasicAuthenticator(BasicAuthOptions options, TimeProvider time, Action<string, bool> notReloaded)
    {
        _options = options;
        _passwords = new Reloaded<PasswordTable>(Read, options.PasswordFile is null ? null : BearerAuthenticator.FileInterval, time, loaded: static _ => { }, notReloaded);
    }

    public override string Header => "authorization";

    public override string Challenge => "Basic realm=\"otlptap\", charset=\"UTF-8\"";

    public override ValueTask<Authentication> AuthenticateAsync(StringValues header, CancellationToken cancellation) =>
        header.Count == 1 && TryRead(header[0], out var user, out var password)
            ? _passwords.Current.CheckAsync(user, password, cancellation)
            : new(Authentication.Refused);

    public override void Dispose() => _passwords.Dispose();

    private static bool TryRead(string? value, out string user, out string password)
    {
        user = password = "";
        if (value?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) != true)
        {
            return false;
        }

        var encoded = value.AsSpan(Scheme.Length).Trim(' ');
        var bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64Chars(encoded, bytes, out var length))
        {
            return false;
        }

        var text = Encoding.UTF8.GetString(bytes, 0, length);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            return false;
        }

        // A hash of nothing in the file is a mistake, and would let in everyone who knows a name.
        (user, password) = (text[..colon], text[(colon + 1)..]);
        return password.Length > 0;
    }

    private PasswordTable Read(PasswordTable? before)
    {
        var key = $"extensions.{_options.Id}.htpasswd";
        var file = _options.PasswordFile is { } path ? SecretFile.Read($"{key}.file", path) : "";
        return before is not null && file == before.FileText ? before : PasswordTable.Parse(file, $"{key}.file `{_options.PasswordFile}`", _options.Inline ?? "", $"{key}.inline");
    }
}
