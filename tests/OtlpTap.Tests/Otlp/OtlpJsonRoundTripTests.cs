using Google.Protobuf;
using OtlpTap.Otlp;
using OtlpTap.Tests.Proto;

namespace OtlpTap.Tests.Otlp;

public sealed class OtlpJsonRoundTripTests
{
    private const int RandomRequestCount = 300;
    private const int ShuffledRequestCount = 60;

    public static TheoryData<string> Payloads => CapturedPayloads.Protobuf;

    public static TheoryData<string> Documents => CapturedPayloads.Json;

    public static TheoryData<string> Signals => [.. System.Enum.GetNames<Signal>()];

    [Theory]
    [MemberData(nameof(Payloads))]
    public void A_captured_payload_is_the_same_message_after_a_way_through_JSON(string name)
    {
        var signal = CapturedPayloads.SignalOf(name);
        var request = CapturedPayloads.ParserFor(signal).ParseFrom(CapturedPayloads.Read(name));

        var json = Transcoding.Json(signal, CapturedPayloads.Read(name));

        Assert.Equal(request, Transcoding.Request(signal, json));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_captured_document_reads_and_writes_back_as_the_same_message(string name)
    {
        var signal = CapturedPayloads.SignalOf(name);
        var bytes = Transcoding.Bytes(signal, CapturedPayloads.Read(name));

        var request = CapturedPayloads.ParserFor(signal).ParseFrom(bytes);
        Assert.Equal(request, Transcoding.Request(signal, Transcoding.Json(signal, bytes)));
        Assert.NotEmpty(request.ToByteArray());
    }

    [Theory]
    [MemberData(nameof(Signals))]
    public void Any_message_is_the_same_after_a_way_through_JSON(string signalName)
    {
        var signal = System.Enum.Parse<Signal>(signalName);
        for (var seed = 0; seed < RandomRequestCount; seed++)
        {
            var request = new RandomRequests(seed).Next(signal);
            var json = Transcoding.Json(signal, request);
            var bytes = Transcoding.Bytes(signal, json);

            Assert.True(request.Equals(CapturedPayloads.ParserFor(signal).ParseFrom(bytes)), $"seed {seed}: {json}");

            // Fields in the order of their numbers and lengths in their shortest form: the bytes that the generated class writes.
            Assert.Equal(request.ToByteArray(), bytes);
        }
    }

    [Theory]
    [MemberData(nameof(Signals))]
    public void Messages_that_come_in_parts_are_merged_as_the_protobuf_library_merges_them(string signalName)
    {
        var signal = System.Enum.Parse<Signal>(signalName);
        for (var seed = 0; seed < ShuffledRequestCount; seed++)
        {
            var random = new Random(seed);
            var bytes = FieldShuffle.InParts(new RandomRequests(seed).Next(signal), new RandomRequests(~seed).Next(signal), random);
            var merged = CapturedPayloads.ParserFor(signal).ParseFrom(bytes);

            Assert.True(merged.Equals(Transcoding.Request(signal, Transcoding.Json(signal, bytes))), $"seed {seed}");
        }
    }
}
