namespace OtlpTap.Rules.Ottl;

/// <summary>A condition as it is written. Every node knows where it starts.</summary>
internal abstract record BooleanSyntax(int Position);

internal sealed record OrSyntax(int Position, IReadOnlyList<BooleanSyntax> Terms) : BooleanSyntax(Position);

internal sealed record AndSyntax(int Position, IReadOnlyList<BooleanSyntax> Terms) : BooleanSyntax(Position);

internal sealed record NotSyntax(int Position, BooleanSyntax Inner) : BooleanSyntax(Position);

internal sealed record ComparisonSyntax(int Position, ValueSyntax Left, ComparisonOperator Operator, ValueSyntax Right) : BooleanSyntax(Position);

internal sealed record ConstantSyntax(int Position, bool Value) : BooleanSyntax(Position);

/// <summary>A converter alone: it must answer a bool.</summary>
internal sealed record ConverterConditionSyntax(int Position, ConverterSyntax Converter) : BooleanSyntax(Position);

internal enum ComparisonOperator : byte
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

internal abstract record ValueSyntax(int Position);

internal sealed record NilSyntax(int Position) : ValueSyntax(Position);

internal sealed record StringSyntax(int Position, string Value) : ValueSyntax(Position);

internal sealed record IntSyntax(int Position, long Value) : ValueSyntax(Position);

internal sealed record FloatSyntax(int Position, double Value) : ValueSyntax(Position);

internal sealed record BoolSyntax(int Position, bool Value) : ValueSyntax(Position);

internal sealed record BytesSyntax(int Position, byte[] Value) : ValueSyntax(Position);

internal sealed record EnumSyntax(int Position, string Name) : ValueSyntax(Position);

internal sealed record ListSyntax(int Position, IReadOnlyList<ValueSyntax> Values) : ValueSyntax(Position);

internal sealed record MapSyntax(int Position, IReadOnlyList<(string Key, ValueSyntax Value)> Entries) : ValueSyntax(Position);

/// <summary><c>+</c> or <c>-</c> before a value.</summary>
/// <param name="IsOfSum">The value stands in parentheses: to the reference it is then no literal, even when it is a number.</param>
internal sealed record SignSyntax(int Position, bool Negative, ValueSyntax Inner, bool IsOfSum) : ValueSyntax(Position);

internal sealed record ArithmeticSyntax(int Position, ValueSyntax Left, char Operator, ValueSyntax Right) : ValueSyntax(Position);

internal sealed record PathSyntax(int Position, IReadOnlyList<FieldSyntax> Fields) : ValueSyntax(Position);

/// <summary>One dotted part of a path, with the keys that index it.</summary>
internal sealed record FieldSyntax(int Position, string Name, IReadOnlyList<ValueSyntax> Keys);

internal sealed record ConverterSyntax(int Position, string Name, IReadOnlyList<ArgumentSyntax> Arguments, IReadOnlyList<ValueSyntax> Keys)
    : ValueSyntax(Position);

/// <summary>A converter's name without a call, which only an argument can be.</summary>
internal sealed record FunctionNameSyntax(int Position, string Name) : ValueSyntax(Position);

internal sealed record ArgumentSyntax(int Position, string? Name, ValueSyntax Value);
