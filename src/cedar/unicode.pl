#!/usr/bin/perl
# unicode.pl - makes unicode_tables.c out of the Unicode data that comes with Perl: perl unicode.pl > unicode_tables.c
use strict;
use warnings;
use Unicode::UCD qw(prop_invmap);

my %augment = (Han => [qw(Hanb Jpan Kore)], Hiragana => ['Jpan'], Katakana => ['Jpan'], Hangul => ['Kore'], Bopomofo => ['Hanb']);
my (%script, %set, @sets, @ranges);

sub set_of {
	my ($names) = @_; # one, or a list of them
	my %in;
	for my $name (ref $names ? @$names : split / /, $names) {
		return -1 if $name =~ /^(Common|Inherited)$/;
		next if $name eq 'Unknown'; # goes with no script, not even with its own
		$in{$_} = 1 for $name, @{$augment{$name} // []};
	}
	my $key = join ' ', sort keys %in;
	if (!exists $set{$key}) {
		$script{$_} //= scalar keys %script for sort keys %in;
		$set{$key} = scalar @sets;
		push @sets, [sort { $a <=> $b } map { $script{$_} } keys %in];
	}
	return $set{$key};
}

my ($starts, $values) = prop_invmap('Script_Extensions');
for my $i (0 .. $#$starts) {
	my ($first, $last) = ($starts->[$i], ($starts->[$i + 1] // 0x110000) - 1);
	my $set = set_of($values->[$i]);
	next if $set < 0 or $first > 0x10FFFF;
	if (@ranges && $ranges[-1][1] + 1 == $first && $ranges[-1][2] == $set) { $ranges[-1][1] = $last; next }
	push @ranges, [$first, $last, $set];
}
my ($list, $status) = prop_invmap('Identifier_Status');
my @allowed;
for my $i (0 .. $#$list) {
	my ($first, $last) = ($list->[$i], ($list->[$i + 1] // 0x110000) - 1);
	push @allowed, [$first, $last] if $status->[$i] eq 'Allowed' && $last > 0x7E;
}

sub rows {
	my ($line, @out) = ("\t");
	for my $item (@_) {
		if (length($line) + length($item) > 125) { push @out, $line; $line = "\t" }
		$line .= $item . ($line =~ /\S$/ ? '' : '') . ' ';
	}
	return join("\n", map { s/ +$//r } @out, $line) . "\n";
}

my $words = int((keys(%script) + 63) / 64);
print "/* unicode_tables.c - made by unicode.pl from Unicode ", Unicode::UCD::UnicodeVersion(), ". */\n#include \"cedar/unicode.h\"\n\n";
print "_Static_assert(CEDAR_SCRIPT_WORDS == $words, \"as many as there are scripts\");\n\n";
print "const struct cedar_script_range cedar_script_ranges[] = {\n", rows(map { sprintf '{0x%X,0x%X,%d},', @$_ } @ranges), "};\n";
print "const size_t cedar_script_range_count = sizeof cedar_script_ranges / sizeof *cedar_script_ranges;\n\n";
print "const struct cedar_scripts cedar_script_sets[] = {\n", rows(map {
	my @bits = (0) x $words;
	$bits[$_ / 64] |= 1 << ($_ % 64) for @$_;
	'{{' . join(',', map { sprintf '0x%X', $_ } @bits) . '}},'
} @sets), "};\n\n";
print "const struct cedar_script_range cedar_identifier_ranges[] = {\n", rows(map { sprintf '{0x%X,0x%X,0},', @$_ } @allowed), "};\n";
print "const size_t cedar_identifier_range_count = sizeof cedar_identifier_ranges / sizeof *cedar_identifier_ranges;\n";
