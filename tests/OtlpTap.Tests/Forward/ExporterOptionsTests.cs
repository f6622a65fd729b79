using System.Reflection;
using OtlpTap.Forward;

namespace OtlpTap.Tests.Forward;

/// <summary>A reload keeps an exporter whose options are equal: every member must compare by value, also one that is added later.</summary>
public sealed class ExporterOptionsTests
{
    public static TheoryData<Type> Records =>
        [.. typeof(ExporterOptions).Assembly.GetTypes().Where(type => typeof(ExporterOptions).IsAssignableFrom(type) && !type.IsAbstract)];

    [Theory]
    [MemberData(nameof(Records))]
    public void Every_member_compares_by_value(Type record) => Assert.Empty(ComparedByReference(record, []));

    [Fact]
    public void Options_that_were_read_twice_are_equal_and_a_header_makes_them_differ()
    {
        static OtlpGrpcExporterOptions Read(string tenant) =>
            new("otlp_grpc", new ForwardOptions { Endpoint = "tempo:4317", Headers = new List<(string, string)> { ("x-scope-orgid", tenant) }, Auth = new ClientBearerTokenOptions("a") { Token = "t" } })
            {
                Retry = new RetryOptions(),
                Spool = new SpoolOptions { Directory = "d" },
            };

        Assert.Equal(Read("a"), Read("a"));
        Assert.Equal(Read("a").GetHashCode(), Read("a").GetHashCode());
        Assert.NotEqual(Read("a"), Read("b"));
        Assert.NotEqual(Read("a"), Read("a") with { Queue = new QueueOptions { Size = 1 } });
    }

    [Fact]
    public void The_values_of_headers_are_not_printed() =>
        Assert.DoesNotContain("secret", new ForwardOptions { Endpoint = "e", Headers = [("authorization", "secret")] }.ToString(), StringComparison.Ordinal);

    private static IEnumerable<string> ComparedByReference(Type record, HashSet<Type> seen)
    {
        if (!seen.Add(record))
        {
            yield break;
        }

        foreach (var member in record.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
        {
            var type = Nullable.GetUnderlyingType(member.FieldType) ?? member.FieldType;
            if (IsRecord(type))
            {
                foreach (var nested in type.Assembly.GetTypes().Where(other => type.IsAssignableFrom(other) && !other.IsAbstract).SelectMany(other => ComparedByReference(other, seen)))
                {
                    yield return nested;
                }
            }
            else if (!type.IsPrimitive && !type.IsEnum && !(type.Namespace != "System.Collections.Immutable" && typeof(IEquatable<>).MakeGenericType(type).IsAssignableFrom(type)))
            {
                yield return $"{record.Name}.{member.Name}";
            }
        }
    }

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null;
}
