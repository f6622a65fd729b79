using System.CommandLine;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace OtlpTap.Cli;

/// <summary>The options by which a command finds the admin port of a running tap, and the one request that it makes there.</summary>
internal sealed class AdminClient
{
    /// <summary>A bearer token for an admin port that asks for one: in the environment, where a list of processes does not show it.</summary>
    private const string TokenVariable = "OTLPTAP_ADMIN_TOKEN";

    private readonly Option<string> _endpoint = new("--endpoint")
    {
        Description = $"The admin endpoint of a running tap; https:// in front where it has TLS. A bearer token is taken from {TokenVariable}.",
        HelpName = "HOST:PORT",
        DefaultValueFactory = _ => "127.0.0.1:8888",
    };

    private readonly Option<string?> _token = new("--token") { Description = $"The bearer token, in place of {TokenVariable}'s; a list of processes shows it.", HelpName = "TOKEN" };

    private readonly Option<string?> _caFile = new("--ca-file") { Description = "Certificates (PEM) to trust in place of the system's.", HelpName = "FILE" };

    public IEnumerable<Option> Options => [_endpoint, _token, _caFile];

    /// <summary>The answer's status and text, with the address that was asked; null after the reason for there being none was written to <paramref name="error"/>.</summary>
    public async Task<(Uri Uri, int Status, string Text)?> SendAsync(HttpMethod method, string path, ParseResult parsed, TimeSpan timeout, TextWriter error, CancellationToken cancellation)
    {
        var endpoint = parsed.GetValue(_endpoint)!;
        var root = endpoint.Contains("://", StringComparison.Ordinal) ? endpoint : $"http://{endpoint}";
        if (!Uri.TryCreate(root.TrimEnd('/') + path, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            error.WriteLine($"`{endpoint}` is no HOST:PORT");
            return null;
        }

        try
        {
            using var handler = Handler(parsed.GetValue(_caFile), error);
            if (handler is null)
            {
                return null;
            }

            using var client = new HttpClient(handler) { Timeout = timeout };
            using var request = new HttpRequestMessage(method, uri);
            if ((parsed.GetValue(_token) ?? Environment.GetEnvironmentVariable(TokenVariable)) is { Length: > 0 } token)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            using var response = await client.SendAsync(request, cancellation);
            return (uri, (int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellation));
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException or FormatException or IOException or System.Security.Cryptography.CryptographicException
            || (unreachable is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            error.WriteLine($"{uri}: {unreachable.InnerException?.Message ?? unreachable.Message}{(IsRefused(unreachable) ? ": does a tap run there? --endpoint names another admin port" : "")}");
            return null;
        }
    }

    /// <summary>What to say of an answer that is not the one asked for and brings no reason.</summary>
    public static string Refusal(Uri uri, int status) => $"{uri} answered {status}" + status switch
    {
        401 => $": set {TokenVariable}, or --token, to a token that the admin port takes",
        400 or 404 => ": this is not the admin port of a tap, or of another version; --endpoint names it (127.0.0.1:8888 by default)",
        _ => "",
    };

    /// <summary>The same of one whose body may say why, as JSON, where another status than those says nothing.</summary>
    public static string Refusal(Uri uri, int status, string text)
    {
        if (status is not (400 or 401 or 404))
        {
            try
            {
                using var body = JsonDocument.Parse(text);
                if (body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("error", out var error))
                {
                    return error.ToString();
                }
            }
            catch (JsonException)
            {
                // Not the tap's.
            }
        }

        return Refusal(uri, status);
    }

    private static bool IsRefused(Exception exception) => exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused };

    private static SocketsHttpHandler? Handler(string? caFile, TextWriter error)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (caFile is not null)
        {
            var trusted = new X509Certificate2Collection();
            trusted.ImportFromPemFile(caFile);
            if (trusted.Count == 0)
            {
                error.WriteLine($"--ca-file {caFile}: holds no certificate in PEM");
                handler.Dispose();
                return null;
            }

            handler.SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck },
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(trusted);
        }

        return handler;
    }
}
