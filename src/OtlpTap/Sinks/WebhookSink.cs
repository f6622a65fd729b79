using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OtlpTap.Corpus;
using OtlpTap.Metrics;

namespace OtlpTap.Sinks;

/// <summary>
/// Posts a summary of the case as JSON. <c>Otlptap-Signature: t=&lt;unix seconds&gt;,v1=&lt;hex&gt;</c> has the HMAC-SHA256 of
/// <c>&lt;unix seconds&gt;.&lt;body&gt;</c> under the secret, so that an old delivery cannot be shown again;
/// <c>Otlptap-Delivery</c> is the same in all attempts of one delivery.
/// </summary>
internal sealed class WebhookSink(SinkOptions options, SinkConnection connection, string version, TimeProvider time) : ICaseSink
{
    public const string SignatureHeader = "Otlptap-Signature";
    public const string DeliveryHeader = "Otlptap-Delivery";

    private (SinkItem Item, string Id)? _delivery;

    public async Task<SinkReply> SendAsync(SinkItem item, CancellationToken cancellation)
    {
        if (_delivery?.Item != item)
        {
            _delivery = (item, Guid.NewGuid().ToString());
        }

        var headers = new List<(string, string)> { (DeliveryHeader, _delivery.Value.Id) };
        byte[] body;
        try
        {
            if (CaseStore.Read(item.CasePath, out var problem) is not { } document)
            {
                return new SinkReply(SinkFailReason.File, IsRetryable: false, problem);
            }

            body = Write(item, document, CaseStore.ReadSeen(item.CasePath));
            if (options.SecretFile is { } file)
            {
                if (WebhookSecret.Read(file) is not { } secret)
                {
                    return new SinkReply(SinkFailReason.File, IsRetryable: true, $"`{file}` {WebhookSecret.Unusable}");
                }

                headers.Add((SignatureHeader, Sign(secret, time.GetUtcNow(), body)));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new SinkReply(SinkFailReason.File, IsRetryable: true, exception.Message);
        }

        return await connection.PostAsync(options.Url!, body, "application/json", headers, cancellation);
    }

    public ValueTask DisposeAsync()
    {
        connection.Dispose();
        return ValueTask.CompletedTask;
    }

    public static string Sign(string secret, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        var seconds = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hmac.AppendData(Encoding.UTF8.GetBytes(seconds + "."));
        hmac.AppendData(body);
        return $"t={seconds},v1={Convert.ToHexStringLower(hmac.GetHashAndReset())}";
    }

    private byte[] Write(SinkItem item, CaseDocument document, SeenFile? seen)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("event", item.Event);
            json.WriteString("case", document.Fingerprint);
            json.WriteString("failure", document.Failure);
            json.WriteString("title", document.Title);
            json.WriteString("status", document.Life.Status.Name());
            json.WriteNumber("count", seen?.Count ?? 1);
            json.WriteString("first_seen", JsonText.Of(document.FirstSeen));
            json.WriteString("last_seen", JsonText.Of(seen?.LastSeen ?? document.FirstSeen));
            JsonText.WriteIfAny(json, "agent", document.Group.Agent);
            JsonText.WriteStrings(json, "services", document.Services);
            JsonText.WriteStrings(json, "versions", document.Versions);
            JsonText.WriteStrings(json, "models", document.Models);
            json.WriteString("trace_id", item.TraceId.ToString());
            json.WriteBoolean("replayable", document.NotReplayable.Count == 0);
            json.WriteString("otlptap_version", version);
            json.WriteEndObject();
        }

        return body.ToArray();
    }
}
