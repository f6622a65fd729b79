using System.Collections.Immutable;

namespace OtlpTap.Receive;

/// <summary>Who may send: one of <c>extensions</c>, named by <c>auth.authenticator</c> of a receiver or of <c>service.admin</c>.</summary>
/// <param name="Id">The component id: <c>bearertokenauth/agents</c>.</param>
internal abstract record AuthenticatorOptions(string Id);

/// <summary><c>extensions.bearertokenauth</c>, or the token of <c>service.admin.api</c>.</summary>
internal sealed record BearerTokenOptions(string Id) : AuthenticatorOptions(Id)
{
    /// <summary><c>header</c>. Default <c>authorization</c>, in lower case.</summary>
    public string Header { get; init; } = "authorization";

    /// <summary><c>scheme</c>: stands before the token with a blank between; empty for none. Default <c>Bearer</c>.</summary>
    public string Scheme { get; init; } = "Bearer";

    /// <summary><c>token</c> and <c>tokens</c>: any of them is let in. Default none.</summary>
    public ImmutableArray<string> Tokens { get; init; } = [];

    /// <summary><c>filename</c>: a file with one token on each line, read again when it changes; it wins over <see cref="Tokens"/>. Default none.</summary>
    public string? TokenFile { get; init; }

    /// <summary>As the operator writes it, for messages.</summary>
    public string TokenFileKey { get; init; } = $"extensions.{Id}.filename";
}

/// <summary><c>extensions.basicauth</c> with <c>htpasswd</c>.</summary>
internal sealed record BasicAuthOptions(string Id) : AuthenticatorOptions(Id)
{
    /// <summary><c>htpasswd.file</c>: read again when it changes. Default none.</summary>
    public string? PasswordFile { get; init; }

    /// <summary><c>htpasswd.inline</c>: lines of <c>user:password</c>, in the forms of Apache's htpasswd; they win over the file's. Default none.</summary>
    public string? Inline { get; init; }
}
