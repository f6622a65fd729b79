using System.Reflection;
using Google.Protobuf.Reflection;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class OtlpFieldsTests
{
    private static readonly Dictionary<string, MessageDescriptor[]> MessagesByGroup = new()
    {
        [nameof(OtlpFields.TraceRequest)] = [ExportTraceServiceRequest.Descriptor],
        [nameof(OtlpFields.LogsRequest)] = [ExportLogsServiceRequest.Descriptor],
        [nameof(OtlpFields.MetricsRequest)] = [ExportMetricsServiceRequest.Descriptor],
        [nameof(OtlpFields.ExportResponse)] = [ExportTraceServiceResponse.Descriptor, ExportLogsServiceResponse.Descriptor, ExportMetricsServiceResponse.Descriptor],
        [nameof(OtlpFields.PartialSuccess)] = [ExportTracePartialSuccess.Descriptor, ExportLogsPartialSuccess.Descriptor, ExportMetricsPartialSuccess.Descriptor],
        [nameof(OtlpFields.Scope)] = [InstrumentationScope.Descriptor],
        [nameof(OtlpFields.Event)] = [Span.Types.Event.Descriptor],
        [nameof(OtlpFields.Link)] = [Span.Types.Link.Descriptor],
        [nameof(OtlpFields.MetricData)] = [Gauge.Descriptor, Sum.Descriptor, Histogram.Descriptor, ExponentialHistogram.Descriptor, Summary.Descriptor],
        [nameof(OtlpFields.AggregatedData)] = [Sum.Descriptor, Histogram.Descriptor, ExponentialHistogram.Descriptor],
    };

    private static readonly FileDescriptor[] Files =
        [CommonReflection.Descriptor, ResourceReflection.Descriptor, TraceReflection.Descriptor, LogsReflection.Descriptor, MetricsReflection.Descriptor];

    public static TheoryData<string> Groups => [.. typeof(OtlpFields).GetNestedTypes(BindingFlags.Public).Select(group => group.Name)];

    [Theory]
    [MemberData(nameof(Groups))]
    public void Field_numbers_are_those_of_the_generated_classes(string group)
    {
        var messages = MessagesByGroup.GetValueOrDefault(group) ?? [Files.SelectMany(file => file.MessageTypes).Single(message => message.Name == group)];
        var constants = typeof(OtlpFields).GetNestedType(group)!.GetFields();
        Assert.NotEmpty(constants);
        foreach (var constant in constants)
        {
            Assert.All(messages, message => Assert.Equal(constant.GetRawConstantValue(), FieldOf(message, constant.Name).FieldNumber));
        }
    }

    // "Rejected" stands for rejected_spans, rejected_log_records and rejected_data_points.
    private static FieldDescriptor FieldOf(MessageDescriptor message, string name) =>
        message.Fields.InDeclarationOrder().Single(field => field.PropertyName == name || (name == "Rejected" && field.Name.StartsWith("rejected_", StringComparison.Ordinal)));
}
