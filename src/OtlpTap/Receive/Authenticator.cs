using Microsoft.Extensions.Primitives;

namespace OtlpTap.Receive;

/// <summary>What an authenticator says of a request.</summary>
internal enum Authentication : byte
{
    Accepted,

    /// <summary>No credential, or one that is not known.</summary>
    Refused,

    /// <summary>More passwords wait to be checked than may: the sender shall try again.</summary>
    Busy,
}

/// <summary>Decides who is let in, by one header. It must not travel on: it is a credential for the tap, not for the upstream.</summary>
internal abstract class Authenticator : IDisposable
{
    /// <summary>The header's name, in lower case.</summary>
    public abstract string Header { get; }

    /// <summary>The value of <c>WWW-Authenticate</c> (RFC 9110, 11.6.1).</summary>
    public abstract string Challenge { get; }

    /// <summary>Done at once but for passwords that take long to check, on purpose, and are not known yet.</summary>
    public abstract ValueTask<Authentication> AuthenticateAsync(StringValues header, CancellationToken cancellation);

    public abstract void Dispose();

    /// <param name="notReloaded">Told of each file that could not be read again, and whether that is worth a line.</param>
    /// <exception cref="UnusableFileException">Tokens or passwords cannot be read; names the key and the file.</exception>
    public static Authenticator Create(AuthenticatorOptions options, TimeProvider time, Action<string, bool> notReloaded) => options switch
    {
        BearerTokenOptions bearer => new BearerAuthenticator(bearer, time, notReloaded),
        BasicAuthOptions basic => new BasicAuthenticator(basic, time, notReloaded),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options, "There is no such authenticator."),
    };
}
