using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.EndToEnd.Conformance;

/// <summary>An answer as a client reads it who knows nothing but the specification.</summary>
/// <param name="Body">Behind gRPC's prefix; of HTTP the whole.</param>
/// <param name="GrpcStatus">Null over HTTP.</param>
/// <param name="Details">The <c>google.rpc.Status</c>, where there is one: gRPC's trailer, or the body of an HTTP error.</param>
internal sealed record Answer(Protocol Protocol, int HttpStatus, string? ContentType, byte[] Body, StatusCode? GrpcStatus, RpcStatus? Details, TimeSpan? RetryAfter, HttpResponseMessage Response)
{
    /// <summary>The request is taken, maybe in part.</summary>
    public bool IsSuccess => Protocol == Protocol.Grpc ? GrpcStatus == StatusCode.OK : HttpStatus == 200;

    /// <summary>"Failures" of OTLP/gRPC and "Retryable Response Codes" of OTLP/HTTP.</summary>
    public bool IsRetryable => Protocol != Protocol.Grpc
        ? HttpStatus is 429 or 502 or 503 or 504
        : GrpcStatus is StatusCode.Cancelled or StatusCode.DeadlineExceeded or StatusCode.Aborted or StatusCode.OutOfRange or StatusCode.Unavailable or StatusCode.DataLoss
            || (GrpcStatus == StatusCode.ResourceExhausted && RetryInfo is not null);

    /// <summary>How long to wait before the next attempt, by a RetryInfo.</summary>
    public TimeSpan? RetryInfo => Details is { } status && StatusDetails.TryReadRetryDelay(status.Details, out var delay) ? delay : null;

    /// <summary>What is wrong with bad data, by a BadRequest detail.</summary>
    public bool HasBadRequest => Details is { } status && status.Details.AsSpan().IndexOf("google.rpc.BadRequest"u8) >= 0;

    /// <summary>Null where the response leaves <c>partial_success</c> unset.</summary>
    public PartialSuccess? Partial
    {
        get
        {
            Assert.True(IsSuccess, ToString());
            if (Protocol == Protocol.HttpJson)
            {
                using var json = JsonDocument.Parse(Body);
                Assert.True(PartialSuccessJson.TryRead(Body, out var read));
                Assert.Equal(read is not null, json.RootElement.TryGetProperty("partialSuccess", out _));
                return read;
            }

            Assert.True(PartialSuccess.TryRead(Body, out var partial));
            return Body.Length == 0 ? null : partial;
        }
    }

    public static async Task<Answer> ReadAsync(Protocol protocol, HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsByteArrayAsync();
        StatusCode? grpcStatus = null;
        RpcStatus? details = null;
        if (protocol == Protocol.Grpc)
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            grpcStatus = (StatusCode)int.Parse(HeaderOf(response, "grpc-status")!, CultureInfo.InvariantCulture);
            details = new RpcStatus((int)grpcStatus, Uri.UnescapeDataString(HeaderOf(response, "grpc-message") ?? ""), []);
            if (HeaderOf(response, StatusDetails.TrailerName) is { } trailer)
            {
                Assert.True(StatusDetails.TryReadTrailer(trailer, out var status) && RpcStatus.TryRead(status, out var read));
                details = details.Value with { Details = status };
            }

            body = body.Length < 5 ? body : body[5..];
        }
        else if (!response.IsSuccessStatusCode && body.Length > 0)
        {
            var isJson = response.Content.Headers.ContentType!.MediaType == "application/json";
            Assert.True(isJson ? RpcStatus.TryReadJson(body, out var read) : RpcStatus.TryRead(body, out read), "the body of an error is a google.rpc.Status");
            details = isJson ? read : read with { Details = body };
        }

        return new Answer(protocol, (int)response.StatusCode, response.Content.Headers.ContentType?.ToString(), body, grpcStatus, details, response.Headers.RetryAfter?.Delta, response);
    }

    public static string? HeaderOf(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? string.Join(',', values) : null;

    public override string ToString() => $"{Protocol}: HTTP {HttpStatus}, gRPC {GrpcStatus?.ToString() ?? "-"}, {Details?.Message}";
}
