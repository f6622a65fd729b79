using OtlpTap.Forward;
using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary>One of <c>extensions</c>.</summary>
internal abstract record ExtensionOptions(string Id);

/// <summary>Something that <c>auth.authenticator</c> can name.</summary>
/// <param name="Server">How it checks senders; null where it cannot.</param>
/// <param name="Client">What it shows to an upstream; null where it cannot.</param>
internal sealed record AuthenticatorExtension(string Id, AuthenticatorOptions? Server, ClientAuthOptions? Client) : ExtensionOptions(Id);

/// <summary><c>extensions.health_check</c>.</summary>
internal sealed record HealthCheckExtension(string Id, HealthCheckOptions Options) : ExtensionOptions(Id);

/// <summary>Accepted, and nothing more: <c>zpages</c>, <c>pprof</c>, <c>file_storage</c>.</summary>
internal sealed record UnservedExtension(string Id) : ExtensionOptions(Id);
