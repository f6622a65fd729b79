using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Otlp;
using OtlpTap.Tests.Proto;
using OtlpTap.Tests.Scan;
using OtlpTap.Validate;
using OtlpTap.Wire;

namespace OtlpTap.Tests.Validate;

/// <summary>Against the generated classes: what goes on is what they say is valid, and nothing else of it has changed.</summary>
public sealed class RequestValidatorTests
{
    private const int Seeds = 1200;

    public static TheoryData<string> Signals => [.. Enum.GetNames<Signal>()];

    [Theory]
    [MemberData(nameof(Signals))]
    public void What_is_invalid_is_left_out_and_all_else_goes_on(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        var (whole, rejected, left) = (0, 0, 0);
        for (var seed = 0; seed < Seeds; seed++)
        {
            var request = Mixed(signal, seed);
            var expected = request.Descriptor.Parser.ParseFrom(request.ToByteArray());
            var count = ValidityOracle.Reject(expected);

            var validated = Validated.Of(signal, ValidityOracle.Broken(request.ToByteArray()), OnInvalid.RejectItem);

            Assert.Equal(expected, Parse(signal, validated.Bytes));
            Assert.Equal(count, validated.Told?.Rejected ?? 0);
            Assert.Equal(request.Equals(expected), validated.Told is null);
            whole += count == 0 ? 1 : 0;
            rejected += count;
            left += Validated.ItemsOf(signal, validated.Bytes)!.Value;
        }

        Assert.True(whole > 50 && rejected > 400 && left > 400, $"The requests do not test much: {whole} whole, {rejected} items rejected, {left} left.");
    }

    [Theory]
    [MemberData(nameof(Signals))]
    public void Fields_that_come_twice_in_parts_or_out_of_order_mean_what_they_mean_to_parsers(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        var rejected = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            var bytes = FieldShuffle.InParts(Mixed(signal, seed, brokenText: false), Mixed(signal, seed + 50_000, brokenText: false), random);
            var expected = Parse(signal, bytes);
            var count = ValidityOracle.Reject(expected);

            var validated = Validated.Of(signal, bytes, OnInvalid.RejectItem);

            Assert.Equal(expected, Parse(signal, validated.Bytes));
            Assert.Equal(count, validated.Told?.Rejected ?? 0);
            rejected += count;
        }

        Assert.True(rejected > 400, $"The requests do not test much: {rejected} items rejected.");
    }

    [Fact]
    public void Unknown_fields_groups_and_padded_lengths_of_what_goes_on_survive_byte_for_byte()
    {
        var (rejected, changed) = (0, 0);
        for (var seed = 0; seed < 3000; seed++)
        {
            var bytes = new RandomRequest(seed).ToBytes();
            var expected = ExportTraceServiceRequest.Parser.ParseFrom(bytes);
            var count = ValidityOracle.Reject(expected);

            var validated = Validated.Of(Signal.Traces, bytes, OnInvalid.RejectItem);

            Assert.Equal(expected, Parse(Signal.Traces, validated.Bytes));
            Assert.Equal(count, validated.Told?.Rejected ?? 0);
            rejected += count;
            if (validated.Told is not null)
            {
                Assert.All(ItemsOf(validated.Bytes), item => Assert.True(bytes.AsSpan().IndexOf(item) >= 0, "an item has other bytes than it came with"));
                changed++;
            }
        }

        Assert.True(rejected > 1000 && changed > 500, "The random requests do not test much.");
    }

    [Theory]
    [MemberData(nameof(Signals))]
    public void Repair_mends_text_everywhere_and_rejects_what_it_cannot_mend(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        var repaired = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var request = Mixed(signal, seed, brokenIds: false);
            var expected = request.Descriptor.Parser.ParseFrom(request.ToByteArray());
            ValidityOracle.Repair(expected);
            var count = ValidityOracle.Reject(expected);

            var validated = Validated.Of(signal, ValidityOracle.Broken(request.ToByteArray()), OnInvalid.Repair);

            Assert.Equal(expected, Parse(signal, validated.Bytes));
            Assert.Equal(count, validated.Told?.Rejected ?? 0);
            repaired += validated.Findings?.Repaired ?? 0;
            Assert.Null(Validated.Of(signal, validated.Bytes, OnInvalid.RejectItem).Told);
        }

        Assert.True(repaired > 400, $"The requests do not test much: {repaired} repairs.");
    }

    [Theory]
    [MemberData(nameof(Signals))]
    public void What_was_repaired_has_nothing_left_to_reject(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        var kept = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var bytes = ValidityOracle.Broken(FieldShuffle.InParts(Mixed(signal, seed), Mixed(signal, seed + 50_000), new Random(seed)));

            var repaired = Validated.Of(signal, bytes, OnInvalid.Repair);
            var rejected = Validated.Of(signal, bytes, OnInvalid.RejectItem);

            Parse(signal, repaired.Bytes);
            Parse(signal, rejected.Bytes);
            Assert.Null(Validated.Of(signal, repaired.Bytes, OnInvalid.Repair).Told);
            Assert.Null(Validated.Of(signal, repaired.Bytes, OnInvalid.RejectItem).Told);
            Assert.Null(Validated.Of(signal, rejected.Bytes, OnInvalid.RejectItem).Told);
            Assert.True((repaired.Told?.Rejected ?? 0) <= (rejected.Told?.Rejected ?? 0));
            kept += Validated.ItemsOf(signal, repaired.Bytes)!.Value;
        }

        Assert.True(kept > 500, $"The requests do not test much: {kept} items kept.");
    }

    [Theory]
    [MemberData(nameof(Signals))]
    public void Whatever_bytes_a_mutation_makes_of_a_request_parsers_take_what_goes_on(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        var invalid = 0;
        for (var seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            var bytes = Mixed(signal, seed).ToByteArray();
            for (var i = random.Next(1, 4); i > 0 && bytes.Length > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            if (Validated.ItemsOf(signal, bytes) is not null)
            {
                foreach (var policy in new[] { OnInvalid.RejectItem, OnInvalid.Repair })
                {
                    var validated = Validated.Of(signal, bytes, policy);
                    Parse(signal, validated.Bytes);
                    invalid += validated.Told is null ? 0 : 1;
                }
            }
        }

        Assert.True(invalid > 500, "The mutations do not test much.");
    }

    [Theory]
    [MemberData(nameof(CapturedPayloads.Protobuf), MemberType = typeof(CapturedPayloads))]
    public void What_instrumentations_sent_is_valid(string name) =>
        Assert.Null(new RequestValidator(OnInvalid.RejectItem).Check(CapturedPayloads.SignalOf(name), CapturedPayloads.Read(name)));

    [Theory]
    [InlineData(OnInvalidName.RejectItem)]
    [InlineData(OnInvalidName.Repair)]
    public void A_valid_request_costs_no_allocation(OnInvalidName policy)
    {
        var validator = new RequestValidator(Enum.Parse<OnInvalid>(policy.ToString()));
        var requests = new[] { Signal.Traces, Signal.Logs, Signal.Metrics }.Select(signal => (signal, Bytes: Valid(signal))).ToArray();
        Check();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
        {
            Check();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Check()
        {
            foreach (var (signal, bytes) in requests)
            {
                Assert.Null(validator.Check(signal, bytes));
            }
        }
    }

    /// <summary>The names of <see cref="OnInvalid"/>, which is internal.</summary>
    public enum OnInvalidName
    {
        RejectItem,
        Repair,
    }

    private static IMessage Parse(Signal signal, byte[] bytes) => CapturedPayloads.ParserFor(signal).ParseFrom(bytes);

    /// <summary>What is left of a random request without its invalid items; not empty.</summary>
    private static byte[] Valid(Signal signal)
    {
        for (var seed = 0; ; seed++)
        {
            var request = Mixed(signal, seed);
            ValidityOracle.Reject(request);
            if (Validated.ItemsOf(signal, request.ToByteArray()) > 3)
            {
                return request.ToByteArray();
            }
        }
    }

    /// <summary>A random request in which most of what must hold holds, and some does not.</summary>
    private static IMessage Mixed(Signal signal, int seed, bool brokenText = true, bool brokenIds = true)
    {
        var request = new RandomRequests(seed).Next(signal);
        Mend(request, new Random(seed), brokenText, brokenIds);
        return Parse(signal, request.ToByteArray());
    }

    private static void Mend(IMessage message, Random random, bool brokenText, bool brokenIds)
    {
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            if (field.FieldType == FieldType.Message)
            {
                var value = field.Accessor.GetValue(message);
                foreach (var inner in field.IsRepeated ? ((IList)value).Cast<IMessage>().ToList() : new[] { value }.OfType<IMessage>())
                {
                    Mend(inner, random, brokenText, brokenIds);
                }
            }
            else if (field.FieldType == FieldType.String && !field.IsRepeated && brokenText && random.Next(25) == 0 && field.ContainingOneof is null)
            {
                field.Accessor.SetValue(message, "a" + ValidityOracle.Marker + "b");
            }
            else if (field.Name.EndsWith("_id", StringComparison.Ordinal) && field.FieldType == FieldType.Bytes)
            {
                var length = field.Name == "trace_id" ? 16 : 8;
                var isBroken = brokenIds && random.Next(8) == 0;
                var id = new byte[isBroken ? random.Next(20) : length];
                id.AsSpan().Fill((byte)(isBroken ? random.Next(2) : 1));
                field.Accessor.SetValue(message, ByteString.CopyFrom(id));
            }
        }

        switch (message)
        {
            case Metric { Name: "" } metric when random.Next(20) > 0:
                metric.Name = "named";
                break;

            case Sum sum when random.Next(20) > 0:
                sum.AggregationTemporality = AggregationTemporality.Delta;
                break;

            case Histogram histogram when random.Next(20) > 0:
                histogram.AggregationTemporality = AggregationTemporality.Cumulative;
                break;

            case ExponentialHistogram histogram when random.Next(20) > 0:
                histogram.AggregationTemporality = AggregationTemporality.Cumulative;
                break;

            case HistogramDataPoint point when random.Next(20) > 0:
                point.BucketCounts.Clear();
                point.BucketCounts.AddRange(Enumerable.Repeat(5UL, point.ExplicitBounds.Count + 1));
                break;

            case NumberDataPoint point when random.Next(20) > 0:
                point.AsInt = 7;
                break;

            case Exemplar exemplar when !brokenIds || random.Next(20) > 0:
                exemplar.AsDouble = 7;
                break;
        }
    }

    private static List<byte[]> ItemsOf(byte[] request)
    {
        var items = new List<byte[]>();
        var resources = new ProtoReader(request);
        while (Next(ref resources, 1))
        {
            var scopes = new ProtoReader(request, resources.ValueOffset, resources.ValueEnd);
            while (Next(ref scopes, 2))
            {
                var spans = new ProtoReader(request, scopes.ValueOffset, scopes.ValueEnd);
                while (Next(ref spans, 2))
                {
                    items.Add(request[spans.FieldOffset..spans.ValueEnd]);
                }
            }
        }

        return items;

        static bool Next(ref ProtoReader reader, int field)
        {
            while (reader.Next())
            {
                if (reader.FieldNumber == field && reader.WireType == WireType.LengthDelimited)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
