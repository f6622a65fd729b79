using System.Buffers;
using System.Text.Json;

namespace OtlpTap.Otlp;

/// <summary>
/// Between the two forms of an export request: the protobuf message and OTLP/JSON
/// (https://opentelemetry.io/docs/specs/otlp/, "JSON Protobuf Encoding"). One table of fields
/// (<see cref="OtlpJsonSchema"/>) and a walker for each direction; no message classes, so that it costs a native
/// binary a few kilobytes and a request no objects.
/// <para>
/// What differs from protobuf's own JSON mapping, as the specification has it: trace and span ids in hex instead of
/// base64, enums as numbers only, names in lowerCamelCase only.
/// </para>
/// </summary>
internal static class OtlpJson
{
    /// <summary>
    /// How deep an <c>AnyValue</c> may lie within others. Protobuf's parsers stop at 100 levels of messages unless told
    /// otherwise, so nothing real comes near; both walkers recurse once for each level, and the bound keeps them well
    /// within a thread's stack.
    /// </summary>
    public const int AnyValueDepthMax = 100;

    /// <summary>What OTLP recommends as the limit of a request, and what the receiver takes by default: 64 MiB.</summary>
    public const int RequestBytesMaxDefault = 64 << 20;

    /// <summary>
    /// Writes a serialized <c>Export*ServiceRequest</c> as one JSON object; fields in the order of their numbers, zero
    /// values left out. A field that the schema lacks is left out; text that is not UTF-8 gets replacement characters.
    /// </summary>
    /// <returns>
    /// Whether all of it was written. False for bytes that are not a well-formed message and for values nested deeper
    /// than <see cref="AnyValueDepthMax"/>; what could be read stands in the JSON, which is complete either way.
    /// </returns>
    public static bool Write(Signal signal, ReadOnlySpan<byte> request, Utf8JsonWriter json) =>
        new OtlpJsonWriter(request, json).Write(OtlpJsonSchema.RequestOf(signal));

    /// <summary>
    /// Reads one JSON object into a serialized <c>Export*ServiceRequest</c>. False, and nothing written, when it is not
    /// one. Fields that the schema lacks are passed over, null is as good as absent.
    /// </summary>
    /// <param name="requestBytesMax">The largest request that may come out of it, in bytes; bounds the memory used, too.</param>
    public static bool TryRead(
        Signal signal,
        ReadOnlySpan<byte> utf8Json,
        IBufferWriter<byte> request,
        out OtlpJsonError error,
        int requestBytesMax = RequestBytesMaxDefault)
    {
        using var builder = new OtlpJsonRequestBuilder(utf8Json.Length, requestBytesMax);
        if (!new OtlpJsonReader(utf8Json, builder).TryRead(OtlpJsonSchema.RequestOf(signal), out error))
        {
            return false;
        }

        builder.WriteTo(request);
        return true;
    }

    /// <summary>The same for a caller that counts the memory: <paramref name="request"/> says what it needs, and is ready to be copied out.</summary>
    public static bool TryRead(Signal signal, ReadOnlySpan<byte> utf8Json, OtlpJsonRequestBuilder request, out OtlpJsonError error) =>
        new OtlpJsonReader(utf8Json, request).TryRead(OtlpJsonSchema.RequestOf(signal), out error);
}
