using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Rules.Ottl;

namespace OtlpTap.Tests.Rules;

/// <summary>
/// A condition as a tree that evaluates itself on the generated classes, one node at a time and with no thought of speed,
/// and that can write itself in OTTL. The oracle for the slot programs.
/// </summary>
internal abstract record RandomCondition
{
    private static readonly string[] Kinds = ["String", "Bool", "Int", "Double", "List", "Map"];
    private static readonly string[] Texts = ["", "a", "ab", "AB", "stop", "é", "b,a"];
    private static readonly (string Ottl, string Regex)[] Patterns = [("a", "a"), ("^a", "^a"), ("b$", "b\\z"), ("(?i)^AB$", "(?i)^ab\\z"), ("^\\\\[\\\"a\\\"", "^\\[\"a\""), ("1", "1"), ("^$", "^\\z")];

    /// <summary>Null: an error.</summary>
    public abstract bool? Evaluate(ExportTraceServiceRequest request);

    public abstract string ToOttl();

    public static RandomCondition Next(Random random, int depth)
    {
        if (depth > 0)
        {
            switch (random.Next(6))
            {
                case 0:
                    return new Not(Next(random, depth - 1));
                case 1:
                    return new And([.. Enumerable.Range(0, random.Next(2, 4)).Select(_ => Next(random, depth - 1))]);
                case 2:
                    return new Or([.. Enumerable.Range(0, random.Next(2, 4)).Select(_ => Next(random, depth - 1))]);
            }
        }

        return random.Next(8) switch
        {
            0 => new Affix(Operand.Next(random), Texts[random.Next(Texts.Length)], random.Next(2) == 0),
            1 => new Match(Operand.Next(random), Patterns[random.Next(Patterns.Length)]),
            2 => new OfKind(Operand.Next(random), random.Next(6)),
            3 => new Contains(Operand.Next(random), Literal.Next(random)),
            4 => new Compare(Operand.Next(random), (ComparisonOperator)random.Next(6), Operand.Next(random)),
            5 => new Compare(Literal.Next(random), (ComparisonOperator)random.Next(6), Operand.Next(random)),
            _ => new Compare(Operand.Next(random), (ComparisonOperator)random.Next(6), Literal.Next(random)),
        };
    }

    private static string Quote(string text) => "\"" + text + "\"";

    private static bool IsNil(AnyValue? value) =>
        value is null or { ValueCase: AnyValue.ValueOneofCase.None } or { ValueCase: AnyValue.ValueOneofCase.BytesValue, BytesValue.Length: 0 };

    private static bool? CompareValues(AnyValue? left, ComparisonOperator comparison, AnyValue? right)
    {
        if (IsNil(left) || IsNil(right))
        {
            var both = IsNil(left) && IsNil(right);
            return comparison switch
            {
                ComparisonOperator.NotEqual => !both,
                ComparisonOperator.Less or ComparisonOperator.Greater => false,
                _ => both,
            };
        }

        var leftNumber = NumberOf(left!);
        var rightNumber = NumberOf(right!);
        if (leftNumber is { } x && rightNumber is { } y && (left!.ValueCase != right!.ValueCase || left.ValueCase == AnyValue.ValueOneofCase.DoubleValue))
        {
            return comparison switch
            {
                ComparisonOperator.Equal => x == y,
                ComparisonOperator.NotEqual => x != y,
                ComparisonOperator.Less => x < y,
                ComparisonOperator.LessOrEqual => x <= y,
                ComparisonOperator.Greater => x > y,
                _ => x >= y,
            };
        }

        if (left!.ValueCase != right!.ValueCase)
        {
            return comparison == ComparisonOperator.NotEqual;
        }

        if (left.ValueCase is AnyValue.ValueOneofCase.ArrayValue or AnyValue.ValueOneofCase.KvlistValue)
        {
            return comparison switch
            {
                ComparisonOperator.Equal => SameMembers(left, right),
                ComparisonOperator.NotEqual => !SameMembers(left, right),
                _ => false,
            };
        }

        var order = left.ValueCase switch
        {
            AnyValue.ValueOneofCase.IntValue => left.IntValue.CompareTo(right.IntValue),
            AnyValue.ValueOneofCase.BoolValue => left.BoolValue.CompareTo(right.BoolValue),
            AnyValue.ValueOneofCase.StringValue => Encoding.UTF8.GetBytes(left.StringValue).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right.StringValue)),
            _ => left.BytesValue.Span.SequenceCompareTo(right.BytesValue.Span),
        };
        return comparison switch
        {
            ComparisonOperator.Equal => order == 0,
            ComparisonOperator.NotEqual => order != 0,
            ComparisonOperator.Less => order < 0,
            ComparisonOperator.LessOrEqual => order <= 0,
            ComparisonOperator.Greater => order > 0,
            _ => order >= 0,
        };
    }

    private static double? NumberOf(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.IntValue => value.IntValue,
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue,
        _ => null,
    };

    private static bool SameMembers(AnyValue left, AnyValue right)
    {
        if (left.ValueCase != right.ValueCase)
        {
            return false;
        }

        return left.ValueCase switch
        {
            AnyValue.ValueOneofCase.ArrayValue => left.ArrayValue.Values.Count == right.ArrayValue.Values.Count
                && left.ArrayValue.Values.Zip(right.ArrayValue.Values).All(pair => SameMembers(pair.First, pair.Second)),
            AnyValue.ValueOneofCase.KvlistValue => left.KvlistValue.Values.Count == right.KvlistValue.Values.Count
                && left.KvlistValue.Values.All(entry => right.KvlistValue.Values.FirstOrDefault(other => other.Key == entry.Key) is { } other && SameMembers(entry.Value, other.Value)),
            AnyValue.ValueOneofCase.DoubleValue => left.DoubleValue == right.DoubleValue,
            _ => left.Equals(right),
        };
    }

    private static string? TextOf(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BytesValue => Convert.ToHexStringLower(value.BytesValue.Span),
        _ => JsonOf(value),
    };

    private static string? JsonOf(AnyValue value)
    {
        switch (value.ValueCase)
        {
            case AnyValue.ValueOneofCase.StringValue:
                return Quote(value.StringValue);
            case AnyValue.ValueOneofCase.BoolValue:
                return value.BoolValue ? "true" : "false";
            case AnyValue.ValueOneofCase.IntValue:
                return value.IntValue.ToString(CultureInfo.InvariantCulture);
            case AnyValue.ValueOneofCase.DoubleValue:
                return double.IsFinite(value.DoubleValue) ? value.DoubleValue.ToString(CultureInfo.InvariantCulture) : null;
            case AnyValue.ValueOneofCase.BytesValue:
                return Quote(value.BytesValue.ToBase64());
            case AnyValue.ValueOneofCase.ArrayValue:
                var items = value.ArrayValue.Values.Select(JsonOf).ToList();
                return items.Contains(null) ? null : "[" + string.Join(',', items) + "]";
            case AnyValue.ValueOneofCase.KvlistValue:
                var entries = value.KvlistValue.Values.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => (entry.Key, Json: JsonOf(entry.Value))).ToList();
                return entries.Exists(entry => entry.Json is null) ? null : "{" + string.Join(',', entries.Select(entry => Quote(entry.Key) + ":" + entry.Json)) + "}";
            default:
                return "null";
        }
    }

    private sealed record Not(RandomCondition Inner) : RandomCondition
    {
        public override bool? Evaluate(ExportTraceServiceRequest request) => !Inner.Evaluate(request);

        public override string ToOttl() => $"not ({Inner.ToOttl()})";
    }

    private sealed record And(IReadOnlyList<RandomCondition> Parts) : RandomCondition
    {
        public override bool? Evaluate(ExportTraceServiceRequest request)
        {
            foreach (var part in Parts)
            {
                if (part.Evaluate(request) is not true and var other)
                {
                    return other;
                }
            }

            return true;
        }

        public override string ToOttl() => string.Join(" and ", Parts.Select(part => $"({part.ToOttl()})"));
    }

    private sealed record Or(IReadOnlyList<RandomCondition> Parts) : RandomCondition
    {
        public override bool? Evaluate(ExportTraceServiceRequest request)
        {
            foreach (var part in Parts)
            {
                if (part.Evaluate(request) is not false and var other)
                {
                    return other;
                }
            }

            return false;
        }

        public override string ToOttl() => string.Join(" or ", Parts.Select(part => $"({part.ToOttl()})"));
    }

    private sealed record Compare(Value Left, ComparisonOperator Operator, Value Right) : RandomCondition
    {
        public override bool? Evaluate(ExportTraceServiceRequest request)
        {
            var hasLeft = Left.TryGet(request, out var left);
            return hasLeft && Right.TryGet(request, out var right) ? CompareValues(left, Operator, right) : null;
        }

        public override string ToOttl() => $"{Left.Ottl} {Operator switch
        {
            ComparisonOperator.Equal => "==",
            ComparisonOperator.NotEqual => "!=",
            ComparisonOperator.Less => "<",
            ComparisonOperator.LessOrEqual => "<=",
            ComparisonOperator.Greater => ">",
            _ => ">=",
        }} {Right.Ottl}";
    }

    private sealed record Affix(Operand Target, string Text, bool AtStart) : RandomCondition
    {
        public override bool? Evaluate(ExportTraceServiceRequest request)
        {
            if (!Target.TryGet(request, out var value) || value is not { ValueCase: AnyValue.ValueOneofCase.StringValue })
            {
                return null;
            }

            return AtStart ? value.StringValue.StartsWith(Text, StringComparison.Ordinal) : value.StringValue.EndsWith(Text, StringComparison.Ordinal);
        }

        public override string ToOttl() => $"Has{(AtStart ? "Prefix" : "Suffix")}({Target.Ottl}, {Quote(Text)})";
    }

    private sealed record Match(Operand Target, (string Ottl, string Regex) Pattern) : RandomCondition
    {
        public override bool? Evaluate(ExportTraceServiceRequest request)
        {
            if (!Target.TryGet(request, out var value))
            {
                return null;
            }

            if (value is null or { ValueCase: AnyValue.ValueOneofCase.None })
            {
                return false;
            }

            return TextOf(value) is { } text ? Regex.IsMatch(text, Pattern.Regex, RegexOptions.CultureInvariant) : null;
        }

        public override string ToOttl() => $"IsMatch({Target.Ottl}, {Quote(Pattern.Ottl)})";
    }

    private sealed record OfKind(Operand Target, int Kind) : RandomCondition
    {
        public override bool? Evaluate(ExportTraceServiceRequest request) => Target.TryGet(request, out var value)
            ? value?.ValueCase == Kind switch
            {
                0 => AnyValue.ValueOneofCase.StringValue,
                1 => AnyValue.ValueOneofCase.BoolValue,
                2 => AnyValue.ValueOneofCase.IntValue,
                3 => AnyValue.ValueOneofCase.DoubleValue,
                4 => AnyValue.ValueOneofCase.ArrayValue,
                _ => AnyValue.ValueOneofCase.KvlistValue,
            }
            : null;

        public override string ToOttl() => $"Is{Kinds[Kind]}({Target.Ottl})";
    }

    private sealed record Contains(Operand Target, Literal Item) : RandomCondition
    {
        public override bool? Evaluate(ExportTraceServiceRequest request)
        {
            if (!Target.TryGet(request, out var value) || value is not { ValueCase: AnyValue.ValueOneofCase.ArrayValue })
            {
                return null;
            }

            _ = Item.TryGet(request, out var item);
            return value.ArrayValue.Values.Any(element => CompareValues(element, ComparisonOperator.Equal, item) == true);
        }

        public override string ToOttl() => $"ContainsValue({Target.Ottl}, {Item.Ottl})";
    }

    private abstract record Value(string Ottl)
    {
        /// <summary>False: an error.</summary>
        public abstract bool TryGet(ExportTraceServiceRequest request, out AnyValue? value);
    }

    private sealed record Literal(string Ottl, AnyValue? Content) : Value(Ottl)
    {
        public static Literal Next(Random random)
        {
            switch (random.Next(8))
            {
                case 0:
                    return new Literal("nil", null);
                case 1:
                    return new Literal("1", new AnyValue { IntValue = 1 });
                case 2:
                    return new Literal("-2", new AnyValue { IntValue = -2 });
                case 3:
                    return new Literal("1.5", new AnyValue { DoubleValue = 1.5 });
                case 4:
                    return new Literal("true", new AnyValue { BoolValue = true });
                case 5:
                    return new Literal("0x0102", new AnyValue { BytesValue = Google.Protobuf.ByteString.CopyFrom(1, 2) });
                case 6:
                    return new Literal("[\"a\", 1]", new AnyValue { ArrayValue = new ArrayValue { Values = { new AnyValue { StringValue = "a" }, new AnyValue { IntValue = 1 } } } });
                default:
                    var text = Texts[random.Next(Texts.Length)];
                    return new Literal(Quote(text), new AnyValue { StringValue = text });
            }
        }

        public override bool TryGet(ExportTraceServiceRequest request, out AnyValue? value)
        {
            value = Content;
            return true;
        }
    }

    private sealed record Operand(string Ottl, Func<ExportTraceServiceRequest, AnyValue?> Read, int Index, string? Key) : Value(Ottl)
    {
        public static Operand Next(Random random)
        {
            var key = RandomSpan.Keys[random.Next(RandomSpan.Keys.Length)];
            var (ottl, read) = random.Next(9) switch
            {
                0 => ("span.name", (Func<ExportTraceServiceRequest, AnyValue?>)(request => Text(SpanOf(request).Name))),
                1 => ("kind", request => new AnyValue { IntValue = (int)SpanOf(request).Kind }),
                2 => ("span.status.code", request => new AnyValue { IntValue = (int)(SpanOf(request).Status?.Code ?? 0) }),
                3 => ("status.message", request => Text(SpanOf(request).Status?.Message ?? "")),
                4 => ($"resource.attributes[\"{key}\"]", request => First(request.ResourceSpans[0].Resource.Attributes, key)),
                5 => ("scope.name", request => Text(request.ResourceSpans[0].ScopeSpans[0].Scope.Name)),
                _ => ($"span.attributes[\"{key}\"]", request => First(SpanOf(request).Attributes, key)),
            };
            return ottl.EndsWith(']') ? random.Next(5) switch
            {
                0 => new Operand(ottl + "[1]", read, 1, null),
                1 => new Operand(ottl + "[\"k\"]", read, -1, "k"),
                _ => new Operand(ottl, read, -1, null),
            }
            : new Operand(ottl, read, -1, null);
        }

        public override bool TryGet(ExportTraceServiceRequest request, out AnyValue? value)
        {
            value = Read(request);
            if (value is null || (Index < 0 && Key is null))
            {
                return true;
            }

            if (Key is not null)
            {
                var isMap = value.ValueCase == AnyValue.ValueOneofCase.KvlistValue;
                value = isMap && value.KvlistValue.Values.FirstOrDefault(entry => entry.Key == Key) is { } entry ? entry.Value ?? new AnyValue() : null;
                return isMap;
            }

            var hasElement = value.ValueCase == AnyValue.ValueOneofCase.ArrayValue && Index < value.ArrayValue.Values.Count;
            value = hasElement ? value.ArrayValue.Values[Index] : null;
            return hasElement;
        }

        private static Span SpanOf(ExportTraceServiceRequest request) => request.ResourceSpans[0].ScopeSpans[0].Spans[0];

        private static AnyValue Text(string text) => new() { StringValue = text };

        private static AnyValue? First(IEnumerable<KeyValue> attributes, string key) =>
            attributes.FirstOrDefault(attribute => attribute.Key == key) is { } found ? found.Value ?? new AnyValue() : null;
    }
}
